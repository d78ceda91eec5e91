// Paths of the tree as clients write them.
#pragma once

#include <string>
#include <string_view>

#include "rpc/fault.h"
#include "tree/tree.h"

namespace srpd::rpc {

/// Without slashes at both ends, and without the place where the kernel shows it: both
/// "/sys/kernel/config/target/core" and "target/core/" are "target/core".
std::string_view inner_path(std::string_view path);

struct Place {
  tree::Id parent = 0;
  std::string name;
};

Answer<tree::Id> resolve(const tree::Tree& tree, const std::string& path);
/// The directory that the last part of `path` is in, or is to be made in.
Answer<Place> resolve_parent(const tree::Tree& tree, const std::string& path);

}  // namespace srpd::rpc
