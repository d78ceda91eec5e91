// srpctl info: what is known of one object.
#include <fmt/core.h>

#include "command.h"
#include "srpctl/node.h"

namespace srpd::ctl {
namespace {

std::string text_of(const Json& value) {
  if (value.is_string()) return printable(value.get<std::string>());
  if (value.is_array()) return plural(value.size(), "item");
  return value.is_null() ? "none" : value.dump();
}

int run_info(const Common& common, const std::string& path) {
  return with_daemon(common, [&](rpc::Client& client) -> int {
    const auto root = load_nodes(client);
    if (!root) return fail(root.error());
    const auto found = node_at(*root, absolute_path(common.place, path));
    if (!found) return fail(found.error());
    const Node& node = **found;
    Json all{{"path", node.path}, {"state", node.summary}};
    if (!node.tree.empty()) all["tree"] = "/sys/kernel/config/" + node.tree;
    if (node.data.is_object())
      for (const auto& item : node.data.items())
        if (item.key() != "path") all[item.key()] = item.value();
    if (common.json) {
      print_json(all);
      return success;
    }
    for (const auto& item : all.items())
      fmt::print("{:<14} {}\n", item.key() + ":", text_of(item.value()));
    return success;
  });
}

}  // namespace

Action add_info(CLI::App& app, const Common& common) {
  const auto path = std::make_shared<std::string>(".");
  app.add_option("PATH", *path, "Of the object");
  return [&common, path] { return run_info(common, *path); };
}

}  // namespace srpd::ctl
