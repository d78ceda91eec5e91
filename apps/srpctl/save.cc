// srpctl save: what is there now comes again when srpd starts.
#include <fmt/core.h>

#include "command.h"
#include "srpctl/difference_text.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {

Action add_save(CLI::App& app, const Common& common) {
  app.description("Save the configuration. The version saved before is kept.");
  const auto incomplete = std::make_shared<bool>(false);
  app.add_flag("--incomplete", *incomplete, "Leave out what is not whole, instead of refusing");
  return [&common, incomplete] {
    return show_call(common, "save", {{"incomplete", *incomplete}}, [](const rpc::Json& result) {
      fmt::print("Saved {}.\n", printable(result["path"].get<std::string>()));
      print_problems(result["problems"]);
      return static_cast<int>(success);
    });
  };
}

}  // namespace srpd::ctl
