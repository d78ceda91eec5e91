// Saving, comparing, applying and taking back, by the methods.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "control/tree_save.h"
#include "support/directory.h"
#include "support/rpc_world.h"

namespace srpd::rpc {
namespace {

using test::World;
using ::testing::HasSubstr;

Json disk(const std::string& name) {
  return {{"plugin", "ramdisk"}, {"name", name}, {"size", 65536u}};
}
Json config(const std::vector<std::string>& names) {
  Json objects = Json::array();
  for (const std::string& name : names) objects.push_back(disk(name));
  return {{"config", {{"storage_objects", objects}, {"targets", Json::array()}}}};
}

class Configuration : public ::testing::Test {
 protected:
  Configuration() { world.services.saved = &saved; }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    const Json all = world.result("objects");
    for (const Json& each : all["backstores"]) found.push_back(each["name"].get<std::string>());
    return found;
  }

  World world;
  srpd::test::Directory directory;
  control::SavedFile saved{directory / "saveconfig.json"};
};

TEST_F(Configuration, ApplySaveAndRollBack) {
  EXPECT_EQ(world.result("apply", config({"a"}))["problems"], Json::array());
  world.result("save");
  EXPECT_EQ(world.result("apply", config({"a", "b"}))["differences"].size(), 1u);
  EXPECT_EQ(world.result("diff")["differences"][0],
            Json::parse(R"({"action": "remove", "object": "/backstores/ramdisk/b"})"));
  world.result("save");
  EXPECT_EQ(world.result("diff")["differences"], Json::array());
  EXPECT_EQ(world.result("history").size(), 2u);
  EXPECT_EQ(world.result("rollback")["saved"], true);
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
  EXPECT_EQ(world.result("rollback")["saved"], true);
  EXPECT_EQ(names(), (std::vector<std::string>{"a", "b"})) << "the version before that one";
}

TEST_F(Configuration, DryRunChangesNothing) {
  Json parameters = config({"a"});
  parameters["dry_run"] = true;
  EXPECT_EQ(world.result("apply", parameters)["differences"].size(), 1u);
  EXPECT_TRUE(names().empty());
}

TEST_F(Configuration, APartialOneIsNotSaved) {
  world.result("tree.create", {{"path", "target/core/rd_mcp_0"}});
  world.result("tree.create", {{"path", "target/core/rd_mcp_0/late"}});
  const Fault fault = world.fault("save");
  EXPECT_EQ(fault.data["object"], "target/core/rd_mcp_0/late");
  EXPECT_THAT(fault.message, HasSubstr("would be missing"));
  EXPECT_FALSE(std::filesystem::exists(saved.path()));
  EXPECT_EQ(world.result("save", {{"incomplete", true}})["problems"].size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(saved.path()));
}

TEST_F(Configuration, WhatCouldNotBeRestoredIsNotSavedAway) {
  world.result("apply", config({"a"}));
  world.services.not_restored = {{"/backstores/rbd/b", "it is not known", "it is not restored"}};
  EXPECT_EQ(world.result("status")["failures"][0]["object"], "/backstores/rbd/b");
  const Fault fault = world.fault("save");
  EXPECT_EQ(fault.data["object"], "/backstores/rbd/b");
  EXPECT_THAT(fault.message, HasSubstr("would be missing"));
  EXPECT_FALSE(std::filesystem::exists(saved.path()));
  world.result("save", {{"incomplete", true}});
  EXPECT_EQ(world.result("status")["failures"], Json::array()) << "nobody wants it any more";
  world.services.not_restored = {{"/backstores/rbd/b", "it is not known", "it is not restored"}};
  EXPECT_EQ(world.result("apply", config({"a", "b"}))["problems"], Json::array());
  world.result("save");
}

TEST_F(Configuration, ADamagedFileIsNamed) {
  EXPECT_THAT(world.fault("diff").message, HasSubstr(saved.path()));
  std::ofstream(saved.path()) << "{\"storage_objects\": [";
  EXPECT_THAT(world.fault("diff").message, HasSubstr("ends too early"));
  EXPECT_EQ(world.fault("rollback", {{"version", 0}}).data["object"], saved.path());
}

TEST_F(Configuration, WithoutAFileItSaysSo) {
  world.services.saved = nullptr;
  for (const char* method : {"save", "history", "rollback", "diff"})
    EXPECT_THAT(world.fault(method).message, HasSubstr("keeps no saved")) << method;
}

TEST_F(Configuration, DrainRemembersWhatWasEnabled) {
  ASSERT_EQ(lio::test::make_dumped_configuration(world.lio), 0);
  const std::string port = lio::test::dumped_port;
  const std::string tpg = "target/" + port + "/tpgt_1";
  ASSERT_EQ(world.lio.mkdir(port + "/tpgt_2"), 0);
  EXPECT_EQ(world.result("drain")["drained"], Json::array({tpg}));
  EXPECT_EQ(world.lio.text(port + "/tpgt_1/enable"), "0\n");
  EXPECT_EQ(world.result("status")["drained"], Json::array({tpg}));
  EXPECT_EQ(world.result("drain", {{"on", false}})["drained"], Json::array());
  EXPECT_EQ(world.lio.text(port + "/tpgt_1/enable"), "1\n");
  EXPECT_EQ(world.lio.text(port + "/tpgt_2/enable"), "0\n");
}

TEST_F(Configuration, ObjectsAreThoseThatTargetcliShows) {
  ASSERT_EQ(lio::test::make_dumped_configuration(world.lio), 0);
  const Json all = world.result("objects");
  ASSERT_EQ(all["backstores"].size(), 8u);
  const Json& file = all["backstores"][2];
  EXPECT_EQ(file["name"], "file0");
  EXPECT_EQ(file["where"], "/tmp/file0.img");
  EXPECT_EQ(file["size"], 16777216);
  EXPECT_EQ(file["info"], "write-thru");
  EXPECT_EQ(file["luns"], 1);
  const Json& tpg = all["targets"][0]["tpgs"][0];
  EXPECT_EQ(tpg["luns"][0]["group"], "gp1");
  EXPECT_EQ(tpg["acls"][0]["luns"][1],
            Json::parse(R"({"index": 1, "path": "target/)" + std::string(lio::test::dumped_port) +
                        R"(/tpgt_1/acls/0x00000000000000000002c90300a0b0c1/lun_1", "lun": 1,
                        "object": "/backstores/fileio/file0", "write_protect": true})"));
}

TEST_F(Configuration, ResizeIsSavedWithoutWhatIsNot) {
  const std::string path = "target/core/rd_mcp_0/a";
  world.result("apply", config({"a"}));
  EXPECT_EQ(world.result("resize", {{"path", path}, {"size", 131072}})["saved"], false)
      << "nothing is";
  world.result("save");
  const Json before = Json::parse(*saved.read());
  world.result("add", config({"b"}));
  const Json resized =
      world.result("resize", {{"path", "/sys/kernel/config/" + path}, {"size", 262144}});
  EXPECT_EQ(resized["saved"], true);
  EXPECT_EQ(resized["size"], 262144);
  EXPECT_EQ(resized["problems"], Json::array());
  Json after = Json::parse(*saved.read());
  EXPECT_EQ(after["storage_objects"][0]["size"], 262144);
  after["storage_objects"][0]["size"] = 131072;
  EXPECT_EQ(after, before);
  EXPECT_EQ(*saved.read(), [&] {
    world.result("tree.delete", {{"path", "target/core/rd_mcp_1/b"}});
    world.result("tree.delete", {{"path", "target/core/rd_mcp_1"}});
    return control::save_tree(world.lio.tree).text;
  }()) << "byte for byte as if it were saved";
  EXPECT_EQ(world.result("diff")["differences"], Json::array());
}

TEST_F(Configuration, ResizeRefusesInWords) {
  world.result("apply", config({"a"}));
  const std::string path = "target/core/rd_mcp_0/a";
  for (const char* other : {"target/core", "target/srpt", "target/core/rd_mcp_0",
                            "target/core/rd_mcp_0/a/attrib", "target/core/rd_mcp_0/a/enable", ""})
    EXPECT_EQ(world.fault("resize", {{"path", other}}).code, Code::refused) << other;
  for (const std::int64_t size : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN})
    EXPECT_EQ(world.fault("resize", {{"path", path}, {"size", size}}).code,
              Code::invalid_parameters);
  world.lio.engine.fail_next("resize_device", EPERM);
  const Fault refused = world.fault("resize", {{"path", path}, {"size", 4096}});
  EXPECT_EQ(refused.data["name"], "EPERM");
  EXPECT_EQ(refused.data["object"], "/backstores/ramdisk/a");
  EXPECT_EQ(refused.data["cause"], "as planned");
}

TEST_F(Configuration, StatusNamesWhatCannotBeUsed) {
  ASSERT_EQ(lio::test::make_dumped_configuration(world.lio), 0);
  EXPECT_EQ(world.result("status")["problems"], Json::array());
  world.lio.write(std::string(lio::test::dumped_port) + "/tpgt_1/enable", "0");
  world.lio.mkdir("core/rd_mcp_9");
  world.lio.mkdir("core/rd_mcp_9/raw");
  world.lio.mkdir(std::string(lio::test::dumped_port) + "/tpgt_1/lun/lun_5");
  const Json problems = world.result("status")["problems"];
  ASSERT_EQ(problems.size(), 3u) << problems;
  for (const Json& each : problems) {
    EXPECT_NE(each["cause"], "");
    EXPECT_NE(each["remedy"], "");
  }
}

}  // namespace
}  // namespace srpd::rpc
