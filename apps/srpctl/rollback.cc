// srpctl rollback: back to a version that was saved.
#include <fmt/core.h>

#include "command.h"
#include "srpctl/difference_text.h"

namespace srpd::ctl {

Action add_rollback(CLI::App& app, const Common& common) {
  app.description(
      "Make the configuration what a saved version says, and save it again when all of it could "
      "be done.");
  const auto version = std::make_shared<int>(1);
  app.add_option("VERSION", *version,
                 "As 'history' numbers them; 0 is what is saved now, 1 the one before")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  return [&common, version] {
    return show_call(common, "rollback", {{"version", *version}}, [](const rpc::Json& result) {
      const int done = show_differences(result, "nothing is different");
      if (!result["saved"].get<bool>()) fmt::print(stderr, "srpctl: it is not saved\n");
      return done;
    });
  };
}

}  // namespace srpd::ctl
