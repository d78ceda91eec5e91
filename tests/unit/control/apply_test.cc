// Differences between the tree and a file, and that applying does them and nothing else.
#include "control/apply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "control/tree_save.h"
#include "support/lio_configured.h"
#include "support/lio_world.h"

namespace srpd::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr const char* target = "/srpt/ib.fe80000000000000000000fffe000001";
constexpr const char* first_acl = "ib.00000000000000000002c90300a0b0c1";

std::optional<std::string> where(const std::string& path) {
  return path == "/dev/sda" ? std::optional<std::string>("0:0:0:0") : std::nullopt;
}

std::string line_of(const Difference& each) {
  std::string line = std::string(action_name(each.action)) + " " + each.object;
  if (!each.member.empty()) line += " " + each.member + ": " + each.from + " -> " + each.to;
  return line;
}

std::vector<std::string> lines_of(const std::vector<Difference>& differences) {
  std::vector<std::string> lines;
  for (const Difference& each : differences) lines.push_back(line_of(each));
  return lines;
}

/// The configuration that was dumped on the kernel, as tree and as JSON to be changed.
class Apply : public ::testing::Test {
 protected:
  Apply() {
    EXPECT_EQ(make_dumped_configuration(world), 0);
    world.engine.take_calls();
    wanted = saved();
  }

  Json saved() const { return *parse_json(save_tree(world.tree).text); }
  Json& tpg() { return wanted["targets"][0]["tpgs"][0]; }
  Json& acl(const std::string& name) { return *find(tpg()["node_acls"], "node_wwn", name); }
  Json& object(const std::string& name) { return *find(wanted["storage_objects"], "name", name); }
  static Json::iterator find(Json& list, const char* key, const Json& value) {
    return std::find_if(list.begin(), list.end(),
                        [&](const Json& each) { return each[key] == value; });
  }
  static void erase(Json& list, const char* key, const Json& value) {
    list.erase(find(list, key, value));
  }
  /// Applies; what was different. Afterwards nothing is.
  std::vector<std::string> apply() {
    const auto applied = apply_configuration(world.tree, wanted, where);
    EXPECT_TRUE(applied.has_value()) << applied.error().text();
    if (!applied) return {};
    for (const Error& problem : applied->problems) ADD_FAILURE() << problem.text();
    calls = world.engine.take_calls();
    EXPECT_THAT(lines_of(*compare_with_tree(world.tree, wanted)), IsEmpty());
    return lines_of(applied->differences);
  }

  lio::test::World world;
  Json wanted;
  std::vector<std::string> calls;
};

TEST_F(Apply, TheSameIsNothingToDo) {
  EXPECT_THAT(apply(), IsEmpty());
  EXPECT_THAT(calls, IsEmpty());
  std::reverse(wanted["storage_objects"].begin(), wanted["storage_objects"].end());
  std::reverse(tpg()["luns"].begin(), tpg()["luns"].end());
  EXPECT_THAT(apply(), IsEmpty());
  EXPECT_THAT(calls, IsEmpty());
}

TEST_F(Apply, ALunMoreAndItsMapping) {
  tpg()["luns"].push_back({{"index", 7u}, {"storage_object", "/backstores/ramdisk/null0"}});
  acl(first_acl)["mapped_luns"].push_back(
      {{"index", 3u}, {"tpg_lun", 7u}, {"write_protect", true}});
  EXPECT_THAT(apply(), UnorderedElementsAre(std::string("create ") + target + "/luns/lun7",
                                            std::string("create ") + target + "/acls/" + first_acl +
                                                "/mapped_lun3"));
  EXPECT_THAT(calls, ElementsAre(HasSubstr("add_lun"), HasSubstr("set_lun_access"),
                                 HasSubstr("map_lun"), HasSubstr("write_protect")))
      << "nothing else is touched";
}

TEST_F(Apply, AnAclLess) {
  erase(tpg()["node_acls"], "node_wwn", first_acl);
  EXPECT_THAT(apply(), ElementsAre(std::string("remove ") + target + "/acls/" + first_acl));
  EXPECT_THAT(calls,
              ElementsAre(HasSubstr("unmap_lun"), HasSubstr("unmap_lun"), HasSubstr("remove_acl")));
}

TEST_F(Apply, ALunLessGoesFromEveryAcl) {
  erase(tpg()["luns"], "index", 0);
  for (Json& each : tpg()["node_acls"]) erase(each["mapped_luns"], "index", 0);
  const auto lines = apply();
  EXPECT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines.back(), std::string("remove ") + target + "/luns/lun0");
}

TEST_F(Apply, AnotherDeviceBehindALun) {
  find(tpg()["luns"], "index", 0)->at("storage_object") = "/backstores/ramdisk/null0";
  find(tpg()["luns"], "index", 0)->at("alua_tg_pt_gp_name") = "default_tg_pt_gp";
  const auto lines = apply();
  EXPECT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines.back(), std::string("replace ") + target +
                              "/luns/lun0 storage_object: /backstores/ramdisk/ram0 -> "
                              "/backstores/ramdisk/null0");
}

TEST_F(Apply, ADeviceGrowsWhileItIsUsed) {
  object("ram0")["size"] = 16777216u + 4097;
  object("file0")["size"] = 33554432u;
  EXPECT_THAT(apply(),
              UnorderedElementsAre("set /backstores/ramdisk/ram0 size: 16777216 -> 16785408",
                                   "set /backstores/fileio/file0 size: 16777216 -> 33554432"));
  EXPECT_THAT(calls, UnorderedElementsAre(HasSubstr("resize_device"), HasSubstr("resize_device")))
      << "nothing goes";
  EXPECT_THAT(apply(), IsEmpty());
}

TEST_F(Apply, ASmallerSizeReplacesADevice) {
  object("ram0")["size"] = 4096u * 100 - 5;
  object("null0")["size"] = 1024u * 4096 - 5;
  const auto lines = apply();
  EXPECT_EQ(lines.size(), 4u) << "null0 has the size: memory comes in pages";
  EXPECT_EQ(lines.back(), "replace /backstores/ramdisk/ram0 size: 16777216 -> 409600");
  EXPECT_THAT(calls, Not(::testing::Contains(HasSubstr("remove_acl"))));
}

TEST_F(Apply, AttributesAreWrittenInPlace) {
  object("file0")["attributes"]["max_write_same_len"] = 7;
  tpg()["attributes"]["srp_sq_size"] = 128;
  tpg()["enable"] = false;
  acl(first_acl)["mapped_luns"][0]["write_protect"] =
      !acl(first_acl)["mapped_luns"][0]["write_protect"];
  object("ram0")["alua_tpgs"][0]["nonop_delay_msecs"] = 7;
  EXPECT_EQ(apply().size(), 5u);
  EXPECT_THAT(calls, Not(::testing::Contains(HasSubstr("open_device"))));
  EXPECT_EQ(world.text(std::string(lio::test::dumped_port) + "/tpgt_1/enable"), "0\n");
}

TEST_F(Apply, FromNothingToAllAndBack) {
  const Json all = wanted;
  wanted = Json{{"storage_objects", Json::array()}, {"targets", Json::array()}};
  EXPECT_GE(apply().size(), 9u);
  EXPECT_THAT(world.list("core"), ElementsAre("alua"));
  wanted = all;
  EXPECT_GE(apply().size(), 9u);
  EXPECT_THAT(apply(), IsEmpty());
}

TEST_F(Apply, UnfinishedObjectsGoOrAreFinished) {
  world.mkdir("core/rd_mcp_20");
  world.mkdir("core/rd_mcp_20/left");
  world.mkdir("core/fileio_21");
  world.mkdir("core/fileio_21/late");
  const std::string lun = std::string(lio::test::dumped_port) + "/tpgt_1/lun/lun_9";
  world.mkdir(lun);
  Json late = object("file0");
  late["name"] = "late";
  late["dev"] = "/tmp/file1.img";
  late["wwn"] = "11111111-2222-3333-4444-555555555555";
  late["size"] = 8388608u;
  wanted["storage_objects"].push_back(late);
  EXPECT_EQ(apply().size(), 3u);
  EXPECT_FALSE(world.find("core/rd_mcp_20").has_value());
  EXPECT_FALSE(world.find(lun).has_value());
  EXPECT_EQ(world.text("core/fileio_21/late/enable"), "1\n");
}

TEST_F(Apply, WhatIsNoConfigurationChangesNothing) {
  const auto refused = [&](const Json& json) {
    const auto applied = apply_configuration(world.tree, json, where);
    EXPECT_FALSE(applied.has_value()) << json.dump();
    EXPECT_THAT(world.engine.take_calls(), IsEmpty());
    return applied ? std::string() : applied.error().text();
  };
  EXPECT_THAT(refused(Json::array()), HasSubstr("no JSON object"));
  EXPECT_THAT(refused(Json::object()), HasSubstr("storage_objects"));
  Json twice = wanted;
  twice["storage_objects"].push_back(twice["storage_objects"][0]);
  EXPECT_THAT(refused(twice), HasSubstr("twice"));
  Json dangling = wanted;
  dangling["targets"][0]["tpgs"][0]["luns"].push_back({{"index", 9}, {"storage_object", "x"}});
  EXPECT_THAT(refused(dangling), HasSubstr("there is no x"));
  Json unmapped = wanted;
  unmapped["targets"][0]["tpgs"][0]["node_acls"][0]["mapped_luns"].push_back(
      {{"index", 9}, {"tpg_lun", 5}});
  EXPECT_THAT(refused(unmapped), HasSubstr("no LUN 5"));
}

TEST_F(Apply, WhatCannotBeMadeIsReportedAndTheRestIsDone) {
  Json missing = object("file0");
  missing["name"] = "missing";
  missing["dev"] = "/nonexistent/x";
  wanted["storage_objects"].push_back(missing);
  object("file1")["attributes"]["max_write_same_len"] = 7;
  const auto applied = apply_configuration(world.tree, wanted, where);
  ASSERT_TRUE(applied.has_value());
  ASSERT_FALSE(applied->problems.empty());
  EXPECT_THAT(applied->problems[0].text(), HasSubstr("missing"));
  EXPECT_EQ(world.text("core/fileio_3/file1/attrib/max_write_same_len"), "7\n");
}

}  // namespace
}  // namespace srpd::control
