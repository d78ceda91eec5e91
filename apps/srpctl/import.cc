// srpctl import: what another target is configured to serve, as a saveconfig.json of ours.
#include "control/import/import.h"

#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <string>

#include "command.h"
#include "control/import/format.h"
#include "control/saved_file.h"
#include "srpctl/difference_text.h"

namespace srpd::ctl {
namespace {

constexpr const char* description =
    "Make a saveconfig.json of what another target is configured to serve. What cannot be carried\n"
    "over is said on standard error, line by line.";

struct Wish {
  std::string source;
  std::string format;
  std::string output;
  bool apply = false;
};

std::string count(std::size_t number, const char* what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

/// What is there already under the same name and is something else.
int tell_conflicts(rpc::Client& client, const rpc::Json& config) {
  const auto compared = client.call("diff", {{"config", config}});
  if (!compared) return fail(compared.error());
  int code = success;
  for (const rpc::Json& each : (*compared)["differences"]) {
    if (each["action"] == "remove") continue;
    const std::string member = each.contains("member") ? each["member"].get<std::string>() : "it";
    code = fail({each["object"].get<std::string>(),
                 "something of that name is there already: " + member + " stays as it is",
                 "rename it here or in the source, and import again"});
  }
  return code;
}

/// In addition to what is there.
int apply(const Common& common, const control::Imported& imported) {
  return with_daemon(common, [&](rpc::Client& client) -> int {
    const rpc::Json config = rpc::Json::parse(imported.text());
    const auto added = client.call("add", {{"config", config}});
    if (!added) return fail(added.error());
    if (print_problems((*added)["problems"]) != success)
      return fail({"import", "not all of it could be made",
                   "mend that and import again; what was "
                   "made stays, and 'srpctl save' keeps it"});
    if (tell_conflicts(client, config) != success) return failed;
    const auto saved = client.call("save");
    if (!saved) return fail(saved.error());
    fmt::print("{} and {} served and saved.\n", count(imported.disks().size(), "disk"),
               count(imported.targets().size(), "target"));
    return success;
  });
}

int run_import(const Common& common, const Wish& wish) {
  const auto imported = control::import_configuration(wish.source, wish.format);
  if (!imported) return fail(imported.error());
  for (const control::ImportNote& note : imported->notes()) fmt::print(stderr, "{}\n", note.text());
  fmt::print(stderr, "{} and {} carried over, {}\n", count(imported->disks().size(), "disk"),
             count(imported->targets().size(), "target"),
             count(imported->notes().size(), "remark"));
  if (wish.apply) return apply(common, *imported);
  const std::string text = imported->text();
  if (!wish.output.empty()) {
    const auto written = control::SavedFile(wish.output).write(text);
    return written ? success : fail(written.error());
  }
  const bool printed =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return printed ? success : fail({"standard output", "cannot write", "check where it leads"});
}

}  // namespace

Action add_import(CLI::App& app, const Common& common) {
  auto wish = std::make_shared<Wish>();
  std::string formats;
  for (const control::ImportFormat& format : control::import_formats())
    formats += fmt::format("\n{}: {}", format.name, format.summary);
  app.description(description);
  app.add_option("SOURCE", wish->source,
                 "The file, - for standard input, or a directory such as /sys/kernel/config/target")
      ->required();
  app.add_option("--format", wish->format, "What it is, where that is not seen:" + formats)
      ->type_name("NAME");
  app.add_option("-o,--output", wish->output,
                 "Write it here, as a whole or not at all, and keep what was there in backup/ "
                 "beside it; else to standard output")
      ->type_name("FILE")
      ->excludes(app.add_flag("--apply", wish->apply,
                              "Serve it, in addition to what is there, and save that"));
  return [&common, wish] { return run_import(common, *wish); };
}

}  // namespace srpd::ctl
