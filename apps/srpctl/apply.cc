// srpctl apply: the configuration becomes what a file says, by doing only what is different.
#include <unistd.h>

#include "command.h"
#include "srpctl/difference_text.h"

namespace srpd::ctl {
namespace {

struct Wanted {
  std::string file;
  bool dry_run = false;
  bool save = false;
};

/// Behind a pipe there is no need to say so; the lines of a script of the shell are no file.
std::string source(const Common& common, const Wanted& wanted) {
  const bool piped = !common.in_shell && ::isatty(STDIN_FILENO) == 0;
  return wanted.file.empty() && piped ? "-" : wanted.file;
}

int run_apply(const Common& common, const Wanted& wanted) {
  const std::string file = source(common, wanted);
  if (file.empty()) return fail({"apply", "no file is named", "srpctl apply FILE"}, usage_error);
  const auto config = read_configuration(file);
  if (!config) return fail(config.error());
  const int done = show_call(
      common, "apply", {{"config", *config}, {"dry_run", wanted.dry_run}},
      [](const rpc::Json& result) { return show_differences(result, "nothing is different"); });
  if (done != success || wanted.dry_run || !wanted.save) return done;
  return with_daemon(common, [](rpc::Client& client) {
    const auto saved = client.call("save");
    return saved ? static_cast<int>(success) : fail(saved.error());
  });
}

}  // namespace

Action add_apply(CLI::App& app, const Common& common) {
  app.description(
      "Make the configuration what a saveconfig.json says. Only what is different is done: hosts "
      "on what stays do not notice.\n+ is made, - goes, ~ is set, ! goes and comes again.");
  const auto wanted = std::make_shared<Wanted>();
  app.add_option("FILE", wanted->file,
                 "A saveconfig.json; - is standard input, as is nothing behind a pipe");
  app.add_flag("--dry-run", wanted->dry_run, "Only show what would be done");
  app.add_flag("--save", wanted->save, "Save it when all of it could be done");
  return [&common, wanted] { return run_apply(common, *wanted); };
}

}  // namespace srpd::ctl
