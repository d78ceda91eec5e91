// srpctl status: how srpd is, in a screenful.
#include <fmt/core.h>

#include "command.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

using rpc::Json;

std::string word(const Json& json, const char* key) {
  return printable(json[key].get<std::string>());
}

void show_ports(const Json& ports) {
  if (ports.empty()) {
    fmt::print("no target: 'srpctl create /srpt' makes one\n");
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Json& each : ports)
    rows.push_back({word(each, "wwn"), each["luns"].dump(), each["acls"].dump(),
                    each["sessions"].dump(), each["enabled"].get<bool>() ? "enabled" : "disabled"});
  fmt::print("{}", table({"TARGET", "LUNS", "ACLS", "SESSIONS", "STATE"}, rows));
}

int show(const Json& status) {
  fmt::print("srpd {}, up {}\n", word(status, "srpd"), short_time(status["seconds"].get<double>()));
  std::string listening;
  for (const Json& each : status["listening"])
    listening += " " + printable(each.get<std::string>());
  fmt::print("listening on{}\n", listening.empty() ? " nothing" : listening);
  fmt::print("{}, {}, {}\n", plural(status["backstores"].get<std::size_t>(), "backstore"),
             plural(status["sessions"].get<std::size_t>(), "session"),
             plural(status["refusals"].get<std::size_t>(), "refused login"));
  show_ports(status["ports"]);
  for (const Json& each : status.value("waiting", Json::array()))
    fmt::print("{}: {}; {}\n", paint(word(each, "object"), Colour::yellow), word(each, "cause"),
               word(each, "remedy"));
  if (!status["drained"].empty())
    fmt::print("{}\n", paint("drained: 'srpctl drain --off' takes logins again", Colour::yellow));
  for (const Json& each : status.value("failures", Json::array()))
    fmt::print("{}: {}; {}\n", paint(word(each, "object"), Colour::red), word(each, "cause"),
               word(each, "remedy"));
  for (const Json& each : status["problems"])
    fmt::print("{}: {}; {}\n", paint(word(each, "object"), Colour::red), word(each, "cause"),
               word(each, "remedy"));
  return success;
}

}  // namespace

Action add_status(CLI::App&, const Common& common) {
  return [&common] { return show_call(common, "status", Json::object(), show); };
}

}  // namespace srpd::ctl
