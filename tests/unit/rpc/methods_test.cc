#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "support/rpc_world.h"

namespace srpd::rpc {
namespace {

using namespace std::chrono_literals;
using test::World;
using ::testing::HasSubstr;

int code(const Fault& fault) { return static_cast<int>(fault.code); }

TEST(Methods, NamesAreUniqueAndEveryRowIsComplete) {
  std::set<std::string_view> names;
  for (const Group group : groups())
    for (const Method& method : group()) {
      EXPECT_TRUE(names.insert(method.name).second) << method.name;
      EXPECT_NE(method.call, nullptr) << method.name;
      EXPECT_FALSE(method.summary.empty() || method.result.empty()) << method.name;
      for (const Parameter& each : method.used()) EXPECT_FALSE(each.help.empty()) << method.name;
    }
  EXPECT_GE(names.size(), 11u);
}

TEST(Methods, ParametersAreChecked) {
  World world;
  EXPECT_EQ(code(world.fault("no.such")), -32601);
  EXPECT_EQ(code(world.fault("tree.get")), -32602);
  EXPECT_EQ(code(world.fault("tree.get", {{"path", 1}})), -32602);
  EXPECT_EQ(code(world.fault("tree.get", {{"path", "target"}, {"x", 1}})), -32602);
  EXPECT_EQ(code(world.fault("tree.get", Json::array({"target", 1}))), -32602);
  EXPECT_THAT(world.fault("tree.get").message, HasSubstr("'path' is missing"));
  EXPECT_EQ(world.result("tree.get", Json::array({"target/dbroot"})),
            world.result("tree.get", {{"path", "target/dbroot"}}));
}

TEST(Methods, VersionIsNegotiated) {
  World world;
  EXPECT_EQ(world.result("version")["version"], 1);
  EXPECT_EQ(world.result("version", {{"versions", {7, 1}}})["version"], 1);
  EXPECT_EQ(world.result("version")["srpd"], "0.1.0");
  EXPECT_EQ(code(world.fault("version", {{"versions", {2, "1"}}})), -32003);
  EXPECT_EQ(code(world.fault("version", {{"versions", Json::array()}})), -32003);
}

TEST(Methods, HelpDescribesAll) {
  World world;
  const Json all = world.result("help");
  EXPECT_EQ(all[0]["name"], "version");
  const Json set = world.result("help", {{"method", "tree.set"}});
  EXPECT_EQ(set["parameters"][1]["name"], "value");
  EXPECT_EQ(set["parameters"][1]["required"], true);
  EXPECT_EQ(code(world.fault("help", {{"method", "x"}})), -32602);
}

TEST(TreeMethods, AnObjectIsMadeUsedAndRemoved) {
  World world;
  const Json nothing = Json::object();
  const std::string device = "target/core/rd_mcp_0/ram0";
  EXPECT_EQ(world.result("tree.create", {{"path", "target/core/rd_mcp_0/"}}), nothing);
  EXPECT_EQ(world.result("tree.create", {{"path", "/sys/kernel/config/" + device}}), nothing);
  EXPECT_EQ(world.result("tree.set", {{"path", device + "/control"}, {"value", "rd_pages=16"}}),
            nothing);
  EXPECT_EQ(world.result("tree.set", {{"path", device + "/enable"}, {"value", true}}), nothing);
  EXPECT_EQ(world.result("tree.get", {{"path", device + "/enable"}})["value"], "1");
  EXPECT_EQ(world.result("tree.set", {{"path", device + "/attrib/emulate_tas"}, {"value", 0}}),
            nothing);
  EXPECT_EQ(world.result("tree.get", {{"path", device + "/attrib"}})["values"]["emulate_tas"], "0");
  const Json listed = world.result("tree.list", {{"path", "target/core"}});
  EXPECT_EQ(listed[0], Json::parse(R"({"name": "rd_mcp_0", "kind": "directory", "mode": "0755"})"));
  EXPECT_EQ(world.fault("tree.delete", {{"path", "target/core/rd_mcp_0"}}).data["name"],
            "ENOTEMPTY");
  EXPECT_EQ(world.result("tree.delete", {{"path", device}}), nothing);
  EXPECT_EQ(world.result("tree.delete", {{"path", "target/core/rd_mcp_0"}}), nothing);
}

TEST(TreeMethods, LinksLeadToWhatTheyAreToldTo) {
  World world;
  ASSERT_EQ(lio::test::make_dumped_configuration(world.lio), 0);
  const std::string lun = std::string("target/") + lio::test::dumped_port + "/tpgt_1/lun/lun_9";
  const Json link{{"path", lun + "/disk"}, {"target", "/target/core/rd_mcp_1/null0"}};
  world.result("tree.create", {{"path", lun}});
  EXPECT_EQ(world.result("tree.get", {{"path", lun}})["values"]["alua_tg_pt_gp"], nullptr);
  EXPECT_EQ(world.result("tree.link", link), Json::object());
  EXPECT_EQ(world.result("tree.list", {{"path", lun}})[0]["target"], "target/core/rd_mcp_1/null0");
  EXPECT_EQ(world.fault("tree.link", link).data["name"], "EEXIST");
  EXPECT_EQ(world.result("tree.unlink", {{"path", lun + "/disk"}}), Json::object());
  EXPECT_EQ(world.result("tree.list", {{"path", lun}})[0]["kind"], "directory");
}

TEST(TreeMethods, RefusalsNameThePathAsItWasWritten) {
  World world;
  const auto name = [&](const char* method, const Json& parameters) {
    const Fault fault = world.fault(method, parameters);
    EXPECT_EQ(fault.data["object"], parameters["path"]);
    EXPECT_NE(fault.data["cause"], "");
    return fault.data["name"].get<std::string>();
  };
  EXPECT_EQ(name("tree.list", {{"path", "nowhere"}}), "ENOENT");
  EXPECT_EQ(name("tree.list", {{"path", "target/dbroot"}}), "ENOTDIR");
  EXPECT_EQ(name("tree.get", {{"path", "target/x/y"}}), "ENOENT");
  EXPECT_EQ(name("tree.set", {{"path", "target/version"}, {"value", ""}}), "EACCES");
  EXPECT_EQ(name("tree.set", {{"path", "target"}, {"value", ""}}), "EISDIR");
  EXPECT_EQ(name("tree.set", {{"path", "target/dbroot"}, {"value", std::string(4095, 'x')}}),
            "EINVAL");
  EXPECT_EQ(name("tree.create", {{"path", "target/core/bad"}}), "EINVAL");
  EXPECT_EQ(name("tree.create", {{"path", "target/core/.."}}), "EINVAL");
  EXPECT_EQ(name("tree.create", {{"path", "/"}}), "EINVAL");
  EXPECT_EQ(name("tree.create", {{"path", "target/core/" + std::string(256, 'a')}}),
            "ENAMETOOLONG");
  EXPECT_EQ(name("tree.delete", {{"path", "target/core"}}), "EPERM");
  EXPECT_EQ(name("tree.unlink", {{"path", "target/core"}}), "EISDIR");
}

TEST(SessionMethods, TimesAreDifferencesToNow) {
  World world;
  world.who.now = 100s;
  target::SessionInfo session;
  session.id = 3;
  session.initiator = "0x01";
  session.since = 90s;
  session.read_bytes = 4096;
  world.who.sessions = {session};
  target::Refusal refusal;
  refusal.cause = "no ACL names this initiator";
  refusal.last = 99500ms;
  refusal.count = 2;
  world.who.refusals = {refusal};
  const Json sessions = world.result("sessions");
  EXPECT_EQ(sessions[0]["id"], 3);
  EXPECT_EQ(sessions[0]["seconds"], 10.0);
  EXPECT_EQ(sessions[0]["read_bytes"], 4096);
  const Json refusals = world.result("refusals");
  EXPECT_EQ(refusals[0]["seconds_ago"], 0.5);
  EXPECT_EQ(refusals[0]["cause"], "no ACL names this initiator");
}

}  // namespace
}  // namespace srpd::rpc
