// srpctl get: attributes of an object.
#include <fmt/core.h>

#include <algorithm>

#include "command.h"
#include "srpctl/attributes.h"
#include "srpctl/place.h"

namespace srpd::ctl {
namespace {

bool has_attributes(const Node& node) { return !attribute_groups(node).empty(); }

/// Values of several lines begin on a line of their own.
void print_value(const std::string& name, const Json& value) {
  if (value.is_null()) return;
  const std::string text = value.get<std::string>();
  if (text.find('\n') == std::string::npos)
    fmt::print("{}={}\n", name, printable(text));
  else
    fmt::print("{}=\n{}\n", name, text);
}

/// Groups by name; the words that are left are names of attributes.
Expected<Json> values_of(rpc::Client& client, const Node& node, std::vector<std::string> words) {
  std::string group;
  bool any_group = true;
  for (const AttributeGroup& each : attribute_groups(node))
    if (!words.empty() && !each.name.empty() && each.name == words.front()) {
      group = words.front();
      any_group = false;
    }
  if (!any_group) words.erase(words.begin());
  Json found = Json::object();
  for (const AttributeGroup& each : attribute_groups(node)) {
    if (!any_group && each.name != group) continue;
    const auto got = client.call("tree.get", {{"path", each.directory}});
    if (!got) return tl::unexpected(got.error());
    for (const auto& item : (*got)["values"].items())
      if (words.empty() || std::find(words.begin(), words.end(), item.key()) != words.end())
        found[item.key()] = item.value();
  }
  for (const std::string& word : words)
    if (!found.contains(word))
      return failure(node.path, "it has no attribute '" + printable(word) + "'",
                     "'srpctl get " + node.path + "' lists them");
  return found;
}

int run_get(const Common& common, std::vector<std::string> words) {
  return with_daemon(common, [&](rpc::Client& client) -> int {
    const auto root = load_nodes(client);
    if (!root) return fail(root.error());
    const auto node = take_node(*root, common, words, has_attributes);
    if (!node) return fail(node.error());
    if (!has_attributes(**node)) return fail({(*node)->path, "it has no attributes", ""});
    const auto values = values_of(client, **node, words);
    if (!values) return fail(values.error());
    if (common.json)
      print_json(*values);
    else
      for (const auto& item : values->items()) print_value(item.key(), item.value());
    return success;
  });
}

}  // namespace

Action add_get(CLI::App& app, const Common& common) {
  app.description(
      "Show attributes of an object: all, those of a group (attribute, parameter, wwn, "
      "statistics), or those named.");
  const auto words = std::make_shared<std::vector<std::string>>();
  app.add_option("PATH NAMES", *words, "Of the object, and of attributes");
  return [&common, words] { return run_get(common, *words); };
}

}  // namespace srpd::ctl
