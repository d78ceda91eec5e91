// srpctl delete: an object with what is in it.
#include <fmt/core.h>

#include <algorithm>

#include "command.h"
#include "srpctl/node.h"

namespace srpd::ctl {
namespace {

using Kind = Node::Kind;

struct Wanted {
  std::vector<std::string> words;
  bool force = false;
};

void collect(const Node& node, const std::function<bool(const Node&)>& take,
             std::vector<const Node*>& found) {
  if (take(node)) found.push_back(&node);
  for (const Node& each : node.children) collect(each, take, found);
}

/// What refers to it, in the order in which it has to go.
std::vector<const Node*> users_of(const Node& root, const Node& node) {
  std::vector<const Node*> users;
  if (node.kind == Kind::device) {
    std::vector<const Node*> luns;
    collect(
        root,
        [&](const Node& each) {
          return each.kind == Kind::lun && each.data["object"] == node.path;
        },
        luns);
    for (const Node* lun : luns) {
      const auto mapped = users_of(root, *lun);
      users.insert(users.end(), mapped.begin(), mapped.end());
      users.push_back(lun);
    }
  }
  if (node.kind == Kind::lun) {
    const std::string target = node.path.substr(0, node.path.rfind("/luns/"));
    collect(
        *find_node(root, target),
        [&](const Node& each) {
          return each.kind == Kind::mapped_lun && each.data["lun"] == node.data["index"];
        },
        users);
  }
  return users;
}

Expected<void> remove_node(rpc::Client& client, const Node& node) {
  // The attributes of a target are those of its tpg.
  const std::string path =
      node.kind == Kind::target ? node.data["path"].get<std::string>() : node.tree;
  const auto removed = client.call("tree.delete", {{"path", path}, {"recursive", true}});
  if (!removed) {
    Error error = removed.error();
    error.object = printable(node.path);
    return tl::unexpected(std::move(error));
  }
  // An HBA has one device, as targetcli makes it.
  if (node.kind == Kind::device)
    client.call("tree.delete", {{"path", node.tree.substr(0, node.tree.rfind('/'))}});
  return {};
}

bool can_go(Kind kind) {
  return kind == Kind::device || kind == Kind::group || kind == Kind::target || kind == Kind::tpg ||
         kind == Kind::lun || kind == Kind::acl || kind == Kind::mapped_lun;
}

/// "/backstores/ramdisk delete disk" names a child, "0" at luns is lun0.
Expected<const Node*> wanted_node(const Node& root, const Common& common,
                                  const std::vector<std::string>& words) {
  std::string path = common.place;
  for (const std::string& word : words) {
    std::string next = absolute_path(path, word);
    if (find_node(root, next) == nullptr)
      for (const char* prefix : {"lun", "mapped_lun"})
        if (const std::string longer = absolute_path(path, prefix + word);
            find_node(root, longer) != nullptr)
          next = longer;
    path = next;
  }
  auto found = node_at(root, path);
  if (found && !can_go((*found)->kind))
    return failure((*found)->path, "it cannot be deleted",
                   "name a backstore, target, LUN, ACL or mapped LUN");
  return found;
}

int run_delete(const Common& common, const Wanted& wanted) {
  return with_daemon(common, [&](rpc::Client& client) -> int {
    const auto root = load_nodes(client);
    if (!root) return fail(root.error());
    const auto node = wanted_node(*root, common, wanted.words);
    if (!node) return fail(node.error());
    const auto users = users_of(*root, **node);
    if ((*node)->kind == Kind::device && !users.empty() && !wanted.force)
      return fail({printable((*node)->path), "hosts see it as " + printable(users.back()->path),
                   "delete that first, or add --force to delete both"});
    for (const Node* each : users)
      if (auto removed = remove_node(client, *each); !removed) return fail(removed.error());
    if (auto removed = remove_node(client, **node); !removed) return fail(removed.error());
    if (common.json)
      print_json({{"deleted", (*node)->path}});
    else
      fmt::print("Deleted {}.\n", printable((*node)->path));
    return success;
  });
}

}  // namespace

Action add_delete(CLI::App& app, const Common& common) {
  const auto wanted = std::make_shared<Wanted>();
  app.add_option("PATH", wanted->words, "Of the object; a part of it and a name in it do as well")
      ->required();
  app.add_flag("--force", wanted->force, "Delete the LUNs that show a backstore, too");
  return [&common, wanted] { return run_delete(common, *wanted); };
}

}  // namespace srpd::ctl
