#include "rpc/paths.h"

#include <cerrno>

namespace srpd::rpc {

std::string_view inner_path(std::string_view path) {
  constexpr std::string_view mount = "/sys/kernel/config";
  if (path.starts_with(mount) && (path.size() == mount.size() || path[mount.size()] == '/'))
    path.remove_prefix(mount.size());
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

Answer<tree::Id> resolve(const tree::Tree& tree, const std::string& path) {
  const auto id = tree.resolve(inner_path(path));
  if (!id) return refused(id.error(), path);
  return *id;
}

Answer<Place> resolve_parent(const tree::Tree& tree, const std::string& path) {
  const std::string_view inner = inner_path(path);
  const std::size_t slash = inner.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? inner : inner.substr(slash + 1);
  if (name.empty() || name == "." || name == "..")
    return refused({path, "it has no name at its end", "write the name of the object last"},
                   EINVAL);
  const auto parent = tree.resolve(slash == std::string_view::npos ? "" : inner.substr(0, slash));
  if (!parent) return refused(parent.error(), path);
  return Place{*parent, std::string(name)};
}

}  // namespace srpd::rpc
