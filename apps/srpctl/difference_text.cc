#include "srpctl/difference_text.h"

#include <fmt/core.h>

#include <iostream>
#include <iterator>

#include "control/json_reader.h"
#include "control/saved_file.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {

using rpc::Json;

void print_differences(const Json& differences) {
  for (const Json& each : differences) {
    const std::string action = each["action"].get<std::string>();
    const bool create = action == "create";
    const bool remove = action == "remove";
    std::string line = create ? "+ " : remove ? "- " : action == "replace" ? "! " : "~ ";
    line += printable(each["object"].get<std::string>());
    if (each.contains("member"))
      line += fmt::format(" {}: {} -> {}", printable(each["member"].get<std::string>()),
                          printable(each["from"].get<std::string>()),
                          printable(each["to"].get<std::string>()));
    fmt::print("{}\n", paint(line, create ? Colour::green : remove ? Colour::red : Colour::yellow));
  }
}

int print_problems(const Json& problems) {
  for (const Json& each : problems)
    fail({each["object"].get<std::string>(), each["cause"].get<std::string>(),
          each["remedy"].get<std::string>()});
  return problems.empty() ? success : failed;
}

int show_differences(const Json& result, const char* nothing) {
  if (result["differences"].empty()) fmt::print("{}\n", nothing);
  print_differences(result["differences"]);
  return result.contains("problems") ? print_problems(result["problems"])
                                     : static_cast<int>(success);
}

Expected<Json> read_configuration(const std::string& path) {
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    auto read = control::SavedFile(path, 0).read();
    if (!read) return tl::unexpected(read.error());
    text = std::move(*read);
  }
  auto json = control::parse_json(text);
  if (!json) return failure(path, json.error().cause, json.error().remedy);
  if (!json->is_object()) return failure(path, "it is no JSON object", "is it the right file?");
  return json;
}

}  // namespace srpd::ctl
