// serve_control DIRECTORY [HOST]: the control socket of a tree over an engine that only takes
// notes, until it gets SIGTERM. With HOST that one is logged in with two channels, and another one
// was refused. For the tests of what srpctl prints: no disk is served.
#include <fmt/core.h>
#include <signal.h>

#include <cstdio>
#include <string>

#include "control/saved_file.h"
#include "lio/root.h"
#include "rpc/dispatcher.h"
#include "rpc/server.h"
#include "support/fake_engine.h"

namespace {

using namespace srpd;
using namespace std::chrono_literals;

rpc::Sessions hosts(const std::string& host) {
  rpc::Sessions who;
  who.now = 100s;
  if (host.empty()) return who;
  for (std::uint64_t id = 1; id <= 2; ++id) {
    target::SessionInfo session;
    session.id = id;
    session.initiator = session.initiator_id = session.acl = host;
    session.peer = "192.0.2.21:4000" + std::to_string(id);
    session.port = "0x00000000000000000000000000000001";
    session.transport = "iwarp";
    session.since = 40s;
    session.credits = 128;
    session.commands = 1000 * id;
    session.read_bytes = 4096000 * id;
    session.queue_depth = 3;
    for (std::uint64_t i = 0; i < session.commands; ++i) session.latencies.add(100'000 * id);
    who.sessions.push_back(session);
  }
  target::Refusal refusal;
  refusal.initiator = "0x00000000000000000000000000000bad";
  refusal.host = "192.0.2.66";
  refusal.peer = "192.0.2.66:40001";
  refusal.port = "0x00000000000000000000000000000001";
  refusal.cause = "no ACL names this initiator";
  refusal.remedy = "make an ACL for it";
  refusal.last = 97s;
  refusal.count = 2;
  who.refusals = {refusal};
  return who;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: serve_control DIRECTORY [HOST]\n");
    return 2;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, nullptr);

  const std::string directory = argv[1];
  lio::test::FakeEngine engine;
  tree::Tree tree(lio::make_root(engine, {}));
  control::SavedFile saved(directory + "/saveconfig.json");
  rpc::Services services{
      .tree = tree, .sessions = [&] { return hosts(argc > 2 ? argv[2] : ""); }, .saved = &saved};
  services.version = "0.1.0";
  services.metrics = [] { return std::string("# no numbers\n"); };
  services.listening = [] { return std::vector<std::string>{"192.0.2.1:5555"}; };
  rpc::ServerOptions options;
  options.path = directory + "/srpd.sock";
  const auto server = rpc::Server::start(
      [&](std::string_view line) { return rpc::answer_line(services, line); }, options);
  if (!server) {
    fmt::print(stderr, "serve_control: {}\n", server.error().text());
    return 1;
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  int number = 0;
  sigwait(&ends, &number);
  return 0;
}
