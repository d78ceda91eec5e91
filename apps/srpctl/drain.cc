// srpctl drain: before maintenance.
#include <fmt/core.h>

#include "command.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {

Action add_drain(CLI::App& app, const Common& common) {
  app.description(
      "End the sessions of all targets, or of one, and refuse logins, by writing 0 to its "
      "'enable'. --off enables again what was disabled so.");
  struct Wanted {
    std::string target;
    bool off = false;
  };
  const auto wanted = std::make_shared<Wanted>();
  app.add_option("TARGET", wanted->target, "Its name, or its path");
  app.add_flag("--off", wanted->off, "Take logins again");
  return [&common, wanted] {
    rpc::Json parameters{{"on", !wanted->off}};
    const std::string& target = wanted->target;
    if (!target.empty()) parameters["target"] = target.substr(target.rfind('/') + 1);
    return show_call(common, "drain", parameters, [](const rpc::Json& result) {
      fmt::print("{} disabled\n", plural(result["drained"].size(), "target"));
      return static_cast<int>(success);
    });
  };
}

}  // namespace srpd::ctl
