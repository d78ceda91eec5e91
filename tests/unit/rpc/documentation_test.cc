// docs/rpc.md: every example is asked and answered as the page says, every method and parameter is
// on it.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "support/directory.h"
#include "support/rpc_world.h"

namespace srpd::rpc {
namespace {

using namespace std::chrono_literals;

std::string page() {
  const std::ifstream file(std::string(SRPD_TEST_DATA) + "/../../docs/rpc.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What depends on the machine and the time.
bool measured(const std::string& key) {
  return key == "seconds" || key == "bytes" || key == "time" || key.ends_with("_us");
}

/// "..." of the page stands for any text.
bool matches(const Json& documented, const Json& answered) {
  if (documented == "...") return answered.is_string();
  if (documented.is_structured() ? documented.type() != answered.type() : documented != answered)
    return false;
  if (!documented.is_structured()) return true;
  if (documented.size() != answered.size()) return false;
  for (const auto& item : documented.items()) {
    if (documented.is_array()) {
      if (!matches(item.value(), answered[std::stoul(item.key())])) return false;
    } else if (!answered.contains(item.key()) ||
               !(measured(item.key()) && item.value().is_number()
                     ? answered[item.key()].is_number()
                     : matches(item.value(), answered[item.key()]))) {
      return false;
    }
  }
  return true;
}

/// The hosts of the page.
void add_hosts(Sessions& who) {
  who.now = 100s;
  target::SessionInfo session;
  session.id = 1;
  session.initiator = session.initiator_id = session.acl = "0x00000000000000000000000000000a01";
  session.peer = "192.0.2.21:40000";
  session.port = "0xfe80000000000000000000fffe000001";
  session.transport = "iwarp";
  session.channel = "MPA revision 1";
  session.since = 87500ms;
  session.credits = 128;
  session.commands = 40;
  session.read_bytes = 163840;
  session.queue_depth = 1;
  for (const std::uint64_t us : {50, 80, 80, 190}) session.latencies.add(us * 1000);
  who.sessions = {session};
  target::Refusal refusal;
  refusal.initiator = "0x00000000000000000000000000000bad";
  refusal.host = "192.0.2.66";
  refusal.peer = "192.0.2.66:40001";
  refusal.port = session.port;
  refusal.cause = "no ACL names this initiator";
  refusal.remedy = "add one";
  refusal.reason = 65539;
  refusal.reason_name = "UNABLE TO ASSOCIATE RDMA CHANNEL WITH SPECIFIED I_T NEXUS";
  refusal.last = 97s;
  refusal.count = 2;
  who.refusals = {refusal};
}

TEST(Documentation, ExamplesAreAnsweredAsWritten) {
  test::World world;
  add_hosts(world.who);
  const srpd::test::Directory directory;
  control::SavedFile saved(directory / "saveconfig.json");
  world.services.saved = &saved;
  world.services.listening = [] { return std::vector<std::string>{"192.0.2.1:5555"}; };
  std::istringstream lines(page());
  std::string line;
  std::string request;
  int examples = 0;
  while (std::getline(lines, line)) {
    if (line.starts_with("--> ")) {
      request = line.substr(4);
    } else if (line.starts_with("<-- ")) {
      const Json documented = Json::parse(line.substr(4), nullptr, false);
      ASSERT_FALSE(documented.is_discarded()) << line;
      const std::string answer = answer_line(world.services, request);
      EXPECT_TRUE(matches(documented, Json::parse(answer))) << request << '\n'
                                                            << line << '\n'
                                                            << answer;
      ++examples;
    }
  }
  EXPECT_GE(examples, 20);
}

TEST(Documentation, NamesEveryMethodAndParameter) {
  const std::string text = page();
  for (const Group group : groups())
    for (const Method& method : group()) {
      const std::string heading = "\n### " + std::string(method.name) + "\n";
      const std::size_t start = text.find(heading);
      ASSERT_NE(start, std::string::npos) << method.name;
      const std::string section = text.substr(start, text.find("\n##", start + 4) - start);
      EXPECT_NE(section.find("--> "), std::string::npos) << method.name << " has no example";
      for (const Parameter& each : method.used()) {
        const std::string name(each.name);
        EXPECT_TRUE(section.find('`' + name + '`') != std::string::npos ||
                    (name == "path" && method.name.starts_with("tree.")))
            << method.name << ' ' << name;
      }
    }
}

}  // namespace
}  // namespace srpd::rpc
