// srpctl sessions: who is logged in, by which channels, and what they did.
#include <fmt/core.h>

#include "command.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

using rpc::Json;

int show(const Json& sessions) {
  if (sessions.empty()) {
    fmt::print("no session: 'srpctl doctor' tells of logins that were refused\n");
    return success;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Json& each : sessions) {
    const auto word = [&](const char* key) { return printable(each[key].get<std::string>()); };
    rows.push_back({each["id"].dump(), word("initiator"), word("peer"), word("port"),
                    short_time(each["seconds"].get<double>()), each["credits"].dump(),
                    each["commands"].dump(), short_size(each["read_bytes"].get<std::uint64_t>()),
                    short_size(each["written_bytes"].get<std::uint64_t>()),
                    word("transport") + (word("channel").empty() ? "" : ", " + word("channel"))});
  }
  fmt::print("{}", table({"ID", "INITIATOR", "PEER", "TARGET", "SINCE", "CREDITS", "COMMANDS",
                          "READ", "WRITTEN", "CHANNEL"},
                         rows));
  return success;
}

}  // namespace

Action add_sessions(CLI::App&, const Common& common) {
  return [&common] { return show_call(common, "sessions", Json::object(), show); };
}

}  // namespace srpd::ctl
