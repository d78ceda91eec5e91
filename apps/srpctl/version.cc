// srpctl version: of both ends.
#include <fmt/core.h>

#include "command.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {

Action add_version(CLI::App&, const Common& common) {
  return [&common] {
    if (!common.json) fmt::print("srpctl {}\n", SRPD_VERSION);
    std::fflush(stdout);
    return show_call(common, "version", rpc::Json::object(), [](const rpc::Json& result) {
      fmt::print("srpd {}, protocol {}\n", printable(result["srpd"].get<std::string>()),
                 result["version"].dump());
      return static_cast<int>(success);
    });
  };
}

}  // namespace srpd::ctl
