// A tree of LIO's over the fake engine, driven by paths below target/ as a shell would.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lio/root.h"
#include "support/fake_engine.h"
#include "tree/tree.h"

namespace srpd::lio::test {

/// As on the machine where the test vectors were measured.
inline Options measured(Profile profile) {
  return {
      .profile = profile,
      .kernel_release = profile == Profile::linux_6_1 ? "6.1.0-56-amd64" : "6.12.117+deb12-amd64",
      .dbroot = "/var/target",
      .session_attributes = false,
      .cpus = 2};
}

class World {
 public:
  explicit World(Options options = measured(Profile::linux_6_1))
      : tree(make_root(engine, std::move(options))) {}

  FakeEngine engine;
  tree::Tree tree;

  Result<tree::Id> find(std::string_view path) const {
    return tree.resolve("target/" + std::string(path));
  }
  int mkdir(const std::string& path) {
    return at_parent(path, [this](tree::Id parent, const std::string& name) {
      return code(tree.mkdir(parent, name));
    });
  }
  int rmdir(const std::string& path) {
    return at_parent(path, [this](tree::Id parent, const std::string& name) {
      return code(tree.rmdir(parent, name));
    });
  }
  int unlink(const std::string& path) {
    return at_parent(path, [this](tree::Id parent, const std::string& name) {
      return code(tree.unlink(parent, name));
    });
  }
  int symlink(const std::string& path, const Result<tree::Id>& target) {
    return at_parent(path, [&](tree::Id parent, const std::string& name) {
      return code(tree.symlink(parent, name, target));
    });
  }
  int symlink(const std::string& path, std::string_view target) {
    return symlink(path, find(target));
  }
  int write(const std::string& path, std::string_view text) {
    const auto id = find(path);
    return id ? code(tree.write(*id, text)) : id.error().code;
  }
  Result<std::string> read(const std::string& path) const {
    const auto id = find(path);
    if (!id) return tl::unexpected(id.error());
    return tree.read(*id);
  }
  /// What is read, or "!" and the errno.
  std::string text(const std::string& path) const {
    const auto value = read(path);
    return value ? *value : "!" + std::to_string(value.error().code);
  }
  /// Names in order of the alphabet.
  std::vector<std::string> list(std::string_view path) const {
    std::vector<std::string> names;
    const auto id = find(path);
    const auto listed = id ? tree.list(*id) : tl::unexpected(id.error());
    if (!listed) return names;
    for (const tree::Listed& entry : *listed) names.push_back(entry.name);
    std::sort(names.begin(), names.end());
    return names;
  }

  /// An enabled ramdisk.
  void make_ramdisk(const std::string& hba, const std::string& name) {
    mkdir("core/" + hba);
    mkdir("core/" + hba + "/" + name);
    write("core/" + hba + "/" + name + "/control", "rd_pages=16");
    write("core/" + hba + "/" + name + "/enable", "1");
  }

  template <class T>
  static int code(const Result<T>& result) {
    return result ? 0 : result.error().code;
  }

 private:
  template <class Work>
  int at_parent(const std::string& path, Work work) {
    const std::size_t slash = path.rfind('/');
    const auto parent = find(slash == std::string::npos ? "" : path.substr(0, slash));
    if (!parent) return parent.error().code;
    return work(*parent, path.substr(slash + 1));
  }
};

}  // namespace srpd::lio::test
