#include "mount/view.h"

#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace srpd::mount {
namespace {

using tree::fail;
using tree::Id;
using tree::Result;

constexpr unsigned max_links_followed = 40;  // as path_resolution(7)
constexpr std::string_view subsystem = "target/";

/// Empty when it is no link or cannot be read.
std::string read_link(const std::string& path) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlink(path.c_str(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

class Walk {
 public:
  /// Without a tree it ends where a mount of it is entered.
  Walk(const tree::Tree* tree, const View& view) : tree_(tree), view_(view) { enter(); }

  Result<void> go(std::string_view path) {
    push(path);
    while (!names_.empty() && !(entered_ && tree_ == nullptr)) {
      const std::string name = std::move(names_.back());
      names_.pop_back();
      if (auto gone = step(name); !gone) return gone;
    }
    return {};
  }
  bool entered() const { return entered_; }
  Result<Id> result() const {
    if (mount_ != nullptr) return at_;
    if (is_file_) return fail(ENOTDIR, "it is no directory");
    return fail(EPERM, "it is not in the tree");
  }

 private:
  /// The names of `path` come before those that are left.
  void push(std::string_view path) {
    const std::size_t left = names_.size();
    while (!path.empty()) {
      const std::size_t slash = std::min(path.find('/'), path.size());
      if (slash != 0) names_.emplace_back(path.substr(0, slash));
      path.remove_prefix(std::min(slash + 1, path.size()));
    }
    std::reverse(names_.begin() + static_cast<std::ptrdiff_t>(left), names_.end());
  }

  Result<void> step(const std::string& name) {
    if (mount_ != nullptr) return step_inside(name);
    if (is_file_) return fail(ENOTDIR, "a file is on the way");
    if (name == ".") return {};
    if (name == "..") {
      outside_.resize(outside_.rfind('/') == std::string::npos ? 0 : outside_.rfind('/'));
      return enter();
    }
    return step_outside(name);
  }

  Result<void> step_inside(const std::string& name) {
    if (name == ".." && at_ == top_) {
      outside_ = mount_->point.substr(0, mount_->point.rfind('/'));
      mount_ = nullptr;
      return {};
    }
    const auto next = tree_->resolve(name, at_);
    if (!next) return tl::unexpected(next.error());
    at_ = *next;
    return {};
  }

  Result<void> step_outside(const std::string& name) {
    const std::string parent = std::exchange(outside_, outside_ + '/' + name);
    if (auto good = enter(); !good || entered_here_) return good;
    struct stat status{};
    const std::string path = view_.prefix + outside_;
    if (::lstat(path.c_str(), &status) != 0) return fail(errno);
    if (S_ISLNK(status.st_mode)) {
      outside_ = parent;
      return follow(read_link(path));
    }
    is_file_ = !S_ISDIR(status.st_mode);
    return {};
  }

  Result<void> follow(const std::string& text) {
    if (links_left_-- == 0) return fail(ELOOP, "too many links");
    if (text.empty()) return fail(ENOENT);
    push(text);
    if (text.front() != '/') return {};
    outside_.clear();
    return enter();
  }

  /// Into the mount that is at this place, if there is one.
  Result<void> enter() {
    const Mounted* const found =
        find_mounted(view_.tree, outside_.empty() ? std::string_view("/") : outside_);
    entered_here_ = found != nullptr;
    if (found == nullptr) return {};
    entered_ = true;
    if (tree_ == nullptr) return {};
    const auto top = tree_->resolve(found->root);
    if (!top) return tl::unexpected(top.error());
    mount_ = found;
    at_ = top_ = *top;
    return {};
  }

  const tree::Tree* tree_;
  const View& view_;
  std::vector<std::string> names_;  ///< those to come, the next one last
  unsigned links_left_ = max_links_followed;
  bool entered_ = false;
  bool entered_here_ = false;
  // Where the walk is: in a mount of the tree, or else outside.
  const Mounted* mount_ = nullptr;
  Id top_ = tree::root_id;  ///< what the mount shows as its root
  Id at_ = tree::root_id;
  std::string outside_;  ///< without links; empty: the root
  bool is_file_ = false;
};

/// What a chroot does to the paths of a process.
std::string below_root(const std::string& path, const std::string& root) {
  if (root.size() <= 1 || !path.starts_with(root)) return path;
  return path.size() == root.size() ? "/" : path.substr(root.size());
}

}  // namespace

View view_of(pid_t process, Device tree) {
  View view;
  const std::string proc = fmt::format("/proc/{}/", process);
  std::vector<Mounted> table;
  if (process > 0) table = mount_table(process);
  if (!table.empty()) {
    view.prefix = proc + "root";
    view.cwd = below_root(read_link(proc + "cwd"), read_link(view.prefix));
  } else {
    table = mount_table();
  }
  // Only what is seen: another file system may be mounted over the tree.
  for (const Mounted& mounted : table)
    if (mounted.device == tree && find_mounted(table, mounted.point) == &mounted)
      view.tree.push_back(mounted);
  return view;
}

Result<Id> find_in_tree(const tree::Tree& tree, const View& view, std::string_view from,
                        std::string_view path) {
  if (path.empty()) return fail(ENOENT, "the path is empty");
  Walk walk(&tree, view);
  std::string all(path.front() == '/' ? std::string_view() : from);
  all += '/';
  all += path;
  if (auto gone = walk.go(all); !gone) return tl::unexpected(gone.error());
  return walk.result();
}

bool enters_tree(const View& view, std::string_view path) {
  Walk walk(nullptr, view);
  // A name that is missing ends the walk: what it has entered before counts.
  static_cast<void>(walk.go(path));
  return walk.entered();
}

Result<Id> resolve_link_text(const tree::Tree& tree, const View& view, Id link_parent,
                             std::string_view text) {
  const bool absolute = text.starts_with('/');
  Result<Id> found = fail(ENOENT, "it leads nowhere");
  if (absolute || !view.cwd.empty()) found = find_in_tree(tree, view, view.cwd, text);
  const auto leads_nowhere = [&] { return !found && found.error().code == ENOENT; };
  if (leads_nowhere() && !absolute) {
    if (auto other = tree.resolve(text, link_parent)) found = std::move(other);
  }
  if (const std::size_t at = text.find(std::string("/").append(subsystem));
      leads_nowhere() && at != std::string_view::npos) {
    if (auto other = tree.resolve(text.substr(at))) found = std::move(other);
  }
  return found;
}

}  // namespace srpd::mount
