// The attributes of objects as targetcli groups them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "srpctl/node.h"

namespace srpd::ctl {

/// "attribute" of a device is the directory attrib/ in it; "" is its own.
struct AttributeGroup {
  std::string_view name;
  std::string directory;  ///< in the tree
};
std::vector<AttributeGroup> attribute_groups(const Node& node);

/// One line about an attribute; empty for one that nothing is known of.
std::string_view attribute_help(std::string_view name);
/// All that something is known of.
std::vector<std::string_view> known_attributes();

}  // namespace srpd::ctl
