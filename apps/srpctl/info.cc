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

/// Who has reserved a backstore, and who is registered there.
void add_reservation(rpc::Client& client, const std::string& path, Json& all) {
  const auto reservations = client.call("reservations");
  if (!reservations) return;  // an older srpd
  for (const Json& each : *reservations) {
    if (each["object"] != path) continue;
    all["reserved by"] = each["holder"];
    if (!each["holder"].is_null()) all["reservation"] = each["type"];
    std::string names;
    for (const Json& registered : each["registrations"])
      names += (names.empty() ? "" : ", ") + registered["initiator"].get<std::string>() + " (" +
               registered["key"].get<std::string>() + ")";
    if (!names.empty()) all["registered"] = names;
  }
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
    if (node.path.starts_with("/backstores/")) add_reservation(client, node.path, all);
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
