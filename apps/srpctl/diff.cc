// srpctl diff: what `apply` of a file, or going back to what is saved, would do.
#include "command.h"
#include "srpctl/difference_text.h"

namespace srpd::ctl {

Action add_diff(CLI::App& app, const Common& common) {
  app.description(
      "Show what has to change so that the configuration is what a file says, or what is saved.\n"
      "+ is made, - goes, ~ is set, ! goes and comes again. To keep the changes instead: 'srpctl "
      "save'.");
  const auto file = std::make_shared<std::string>();
  app.add_option("FILE", *file, "A saveconfig.json; without it what is saved");
  return [&common, file]() -> int {
    rpc::Json parameters = rpc::Json::object();
    if (!file->empty()) {
      const auto config = read_configuration(*file);
      if (!config) return fail(config.error());
      parameters["config"] = *config;
    }
    return show_call(common, "diff", parameters, [](const rpc::Json& result) {
      return show_differences(result, "nothing is different");
    });
  };
}

}  // namespace srpd::ctl
