// srpctl ls: the objects as targetcli draws them.
#include <fmt/core.h>

#include <algorithm>
#include <climits>

#include "command.h"
#include "srpctl/node.h"

namespace srpd::ctl {
namespace {

struct Wanted {
  std::string path = ".";
  int depth = INT_MAX;
};

/// `indent` is what stands before the children of its parent.
void draw(const Node& node, const std::string& indent, bool last, int depth, std::size_t width) {
  const std::size_t used = indent.size() + node.name.size() + node.summary.size() + 7;
  const std::string dots(used < width ? width - used : 1, '.');
  fmt::print("{}o- {} {} [{}]\n", indent, paint(node.name, Colour::bold), dots,
             paint(node.summary, node.colour));
  if (depth <= 0) return;
  const std::string below = indent + (last ? "  " : "| ");
  for (const Node& each : node.children)
    draw(each, below, &each == &node.children.back(), depth - 1, width);
}

Json json_of(const Node& node, int depth) {
  Json out{{"name", node.name}, {"path", node.path}, {"summary", node.summary}};
  if (!node.tree.empty()) out["tree"] = node.tree;
  if (depth <= 0 || node.children.empty()) return out;
  for (const Node& each : node.children) out["children"].push_back(json_of(each, depth - 1));
  return out;
}

int run_ls(const Common& common, const Wanted& wanted) {
  return with_daemon(common, [&](rpc::Client& client) {
    const auto root = load_nodes(client);
    if (!root) return fail(root.error());
    const auto node = node_at(*root, absolute_path(common.place, wanted.path));
    if (!node) return fail(node.error());
    if (common.json)
      print_json(json_of(**node, wanted.depth));
    else
      draw(**node, "", true, wanted.depth, terminal_width());
    return static_cast<int>(success);
  });
}

}  // namespace

Action add_ls(CLI::App& app, const Common& common) {
  const auto wanted = std::make_shared<Wanted>();
  app.add_option("PATH", wanted->path, "Of the object to begin with");
  app.add_option("DEPTH", wanted->depth, "How far to go down")->check(CLI::NonNegativeNumber);
  return [&common, wanted] { return run_ls(common, *wanted); };
}

}  // namespace srpd::ctl
