// srpctl history: what `rollback` can go back to.
#include <fmt/chrono.h>
#include <fmt/core.h>

#include "command.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

int show(const rpc::Json& versions) {
  std::vector<std::vector<std::string>> rows;
  for (const rpc::Json& each : versions)
    rows.push_back(
        {each["version"].dump(),
         fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(each["time"].get<std::time_t>())),
         short_size(each["bytes"].get<std::uint64_t>()),
         printable(each["path"].get<std::string>())});
  fmt::print("{}", table({"VERSION", "SAVED", "SIZE", "FILE"}, rows));
  return success;
}

}  // namespace

Action add_history(CLI::App&, const Common& common) {
  return [&common] { return show_call(common, "history", rpc::Json::object(), show); };
}

}  // namespace srpd::ctl
