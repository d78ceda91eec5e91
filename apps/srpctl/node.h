// The objects by the paths that targetcli gives them: /backstores/fileio/disk, /srpt/ib.0123/luns.
// Made anew from what srpd says whenever it is looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "rpc/client.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {

using rpc::Json;

struct Node {
  enum class Kind : std::uint8_t {
    root,
    backstores,
    plugin,
    device,
    groups,
    group,
    fabric,
    target,  ///< and its tpg, where it has only tpgt_1
    tpg,
    luns,
    lun,
    acls,
    acl,
    mapped_lun,
  };
  Kind kind = Kind::root;
  std::string name;
  std::string path;     ///< "/srpt/ib.0123/luns"
  std::string tree;     ///< its directory in the tree; empty where it has none
  std::string summary;  ///< what stands in brackets
  Colour colour = Colour::green;
  Json data;  ///< what srpd said of it
  std::vector<Node> children;

  const Node* child(std::string_view wanted) const;
};

/// All there is.
Expected<Node> load_nodes(rpc::Client& client);
Node nodes_of(const Json& objects);

/// `path` as seen from `from`, without "." and "..": absolute.
std::string absolute_path(std::string_view from, std::string_view path);
/// Null where there is none.
const Node* find_node(const Node& root, std::string_view path);
/// As above; the error names what there is instead.
Expected<const Node*> node_at(const Node& root, const std::string& path);

/// Whether `create` makes something in it.
bool makes_children(Node::Kind kind);

}  // namespace srpd::ctl
