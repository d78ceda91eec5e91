// srpctl set: changes attributes of an object, at once and for hosts that are logged in.
#include <fmt/core.h>

#include "command.h"
#include "srpctl/attributes.h"
#include "srpctl/place.h"

namespace srpd::ctl {
namespace {

bool has_attributes(const Node& node) { return !attribute_groups(node).empty(); }

/// Where the attribute is: in the group named, else in the first that has it.
Expected<std::string> path_of(rpc::Client& client, const Node& node, const std::string& group,
                              const std::string& name) {
  for (const AttributeGroup& each : attribute_groups(node)) {
    if (!group.empty() && each.name != group) continue;
    const auto listed = client.call("tree.list", {{"path", each.directory}});
    if (!listed) return tl::unexpected(listed.error());
    for (const Json& entry : *listed)
      if (entry["kind"] == "attribute" && entry["name"] == name) return each.directory + "/" + name;
  }
  return failure(node.path, "it has no attribute '" + printable(name) + "'",
                 "'srpctl get " + node.path + "' lists them");
}

Expected<void> set_one(rpc::Client& client, const Node& node, const std::string& group,
                       const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0)
    return failure(printable(word), "it is not of the form NAME=VALUE");
  const std::string name = word.substr(0, equals);
  const auto path = path_of(client, node, group, name);
  if (!path) return tl::unexpected(path.error());
  const auto done = client.call("tree.set", {{"path", *path}, {"value", word.substr(equals + 1)}});
  if (done) return {};
  Error error = done.error();
  error.object = node.path + " " + name;
  if (error.remedy.empty()) error.remedy = std::string(attribute_help(name));
  return tl::unexpected(std::move(error));
}

int run_set(const Common& common, std::vector<std::string> words) {
  return with_daemon(common, [&](rpc::Client& client) -> int {
    const auto root = load_nodes(client);
    if (!root) return fail(root.error());
    const auto node = take_node(*root, common, words, has_attributes);
    if (!node) return fail(node.error());
    if (!has_attributes(**node)) return fail({(*node)->path, "it has no attributes", ""});
    std::string group;
    if (!words.empty() && words.front().find('=') == std::string::npos) {
      group = words.front();
      words.erase(words.begin());
    }
    if (words.empty())
      return fail({(*node)->path, "no value is given", "write NAME=VALUE"}, usage_error);
    for (const std::string& word : words)
      if (auto done = set_one(client, **node, group, word); !done) return fail(done.error());
    if (common.json) print_json(Json::object());
    return success;
  });
}

}  // namespace

Action add_set(CLI::App& app, const Common& common) {
  app.description(
      "Change attributes of an object: srpctl set PATH [GROUP] NAME=VALUE ...\n"
      "GROUP is attribute, parameter or wwn, and is needed only where two have the name. It holds "
      "at once; 'srpctl save' keeps it.");
  const auto words = std::make_shared<std::vector<std::string>>();
  app.add_option("PATH NAME=VALUE", *words, "Of the object, and what to set")->required();
  return [&common, words] { return run_set(common, *words); };
}

}  // namespace srpd::ctl
