// srpctl import: what another target is configured to serve, as a saveconfig.json of ours.
#include "control/import/import.h"

#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <string>

#include "command.h"
#include "control/import/format.h"
#include "control/saved_file.h"

namespace srpd::ctl {
namespace {

constexpr const char* description =
    "Make a saveconfig.json of what another target is configured to serve. What cannot be carried\n"
    "over is said on standard error, line by line.";

struct Wish {
  std::string source;
  std::string format;
  std::string output;
};

std::string count(std::size_t number, const char* what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

int run_import(const Wish& wish) {
  const auto imported = control::import_configuration(wish.source, wish.format);
  if (!imported) return fail(imported.error());
  for (const control::ImportNote& note : imported->notes()) fmt::print(stderr, "{}\n", note.text());
  fmt::print(stderr, "{} and {} carried over, {}\n", count(imported->disks().size(), "disk"),
             count(imported->targets().size(), "target"),
             count(imported->notes().size(), "remark"));
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

Action add_import(CLI::App& app, const Common&) {
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
      ->type_name("FILE");
  return [wish] { return run_import(*wish); };
}

}  // namespace srpd::ctl
