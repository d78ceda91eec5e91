// srpctl sessions: who is logged in, by which channels, what they did, and how long it took.
#include <fmt/core.h>

#include <algorithm>

#include "command.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

using rpc::Json;

std::string quantile(const Json& latency, const char* which) {
  return latency["count"] == 0 ? "-" : short_latency(latency[which].get<double>());
}

int show(const Json& sessions) {
  if (sessions.empty()) {
    fmt::print("no session: 'srpctl doctor' tells of logins that were refused\n");
    return success;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Json& each : sessions) {
    const auto word = [&](const char* key) { return printable(each[key].get<std::string>()); };
    const auto seconds = each["seconds"].get<double>();
    rows.push_back({each["id"].dump(), word("initiator"), word("peer"), word("port"),
                    short_time(seconds), each["queue_depth"].dump(), each["credits"].dump(),
                    each["commands"].dump(),
                    fmt::format("{:.0f}", each["commands"].get<double>() / std::max(seconds, 1.0)),
                    quantile(each["latency"], "p50_us"), quantile(each["latency"], "p99_us"),
                    short_size(each["read_bytes"].get<std::uint64_t>()),
                    short_size(each["written_bytes"].get<std::uint64_t>()),
                    word("transport") + (word("channel").empty() ? "" : ", " + word("channel"))});
  }
  fmt::print("{}", table({"ID", "INITIATOR", "PEER", "TARGET", "SINCE", "QUEUE", "CREDITS",
                          "COMMANDS", "PER S", "P50", "P99", "READ", "WRITTEN", "CHANNEL"},
                         rows));
  return success;
}

}  // namespace

Action add_sessions(CLI::App&, const Common& common) {
  return [&common] { return show_call(common, "sessions", Json::object(), show); };
}

}  // namespace srpd::ctl
