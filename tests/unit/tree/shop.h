// A model for the tests: a shop in whose shelf boxes are made. A box has a label, a weight that can
// only be read and a note that can only be written; it takes one link to another box.
#pragma once

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tree/change.h"
#include "tree/directory.h"
#include "tree/tree.h"

namespace srpd::tree::test {

class Drawer final : public Directory {};

class Box final : public Directory {
 public:
  explicit Box(std::function<void(Change&)>& slow) : slow_(slow) {
    make_group<Drawer>("left");
    make_group<Drawer>("right");
  }
  std::span<const Attribute> attributes() const override { return table; }
  bool takes_links() const override { return true; }
  Result<void> allow_link(Change& change, std::string_view, Directory& target) override {
    if (!dynamic_cast<Box*>(&target)) return fail(EFAULT, "only boxes");
    if (slow_) slow_(change);
    return {};
  }
  void drop_link(Change&, Directory&) override { label = "unlinked"; }
  void drop(Change& change) override {
    if (slow_) slow_(change);
  }

  std::string label = "none";

 private:
  static Box& self(Directory& directory) { return static_cast<Box&>(directory); }
  static const Box& self(const Directory& directory) { return static_cast<const Box&>(directory); }
  static Result<std::string> show_label(const Directory& d) { return self(d).label + "\n"; }
  static Result<void> store_label(Change& change, Directory& d, std::string_view text) {
    if (text == "bad") return fail(EINVAL, "a bad label", "write a good one");
    if (self(d).slow_) self(d).slow_(change);
    self(d).label = text;
    return {};
  }
  static Result<std::string> show_weight(const Directory&) { return "5\n"; }
  static Result<void> store_note(Change&, Directory&, std::string_view) { return {}; }
  static constexpr Attribute table[] = {{"label", show_label, store_label},
                                        {"weight", show_weight, nullptr},
                                        {"note", nullptr, store_note}};

  std::function<void(Change&)>& slow_;
};

class Shelf final : public Directory {
 public:
  explicit Shelf(std::function<void(Change&)>& slow) : slow_(slow) {}
  Result<std::unique_ptr<Directory>> make(Change&, std::string_view name) override {
    if (name == "forbidden") return fail(ENOSYS, "no such box");
    return std::make_unique<Box>(slow_);
  }

 private:
  std::function<void(Change&)>& slow_;
};

class Shop final : public Directory {
 public:
  explicit Shop(std::function<void(Change&)>& slow) { make_group<Shelf>("shelf", slow); }
};

/// A tree with the shop, and calls by path.
struct World {
  std::function<void(Change&)> slow;  ///< runs in stores, links and removals when set
  Tree tree{std::make_unique<Shop>(slow)};

  Id id(std::string_view path) const { return tree.resolve(path).value(); }
  int mkdir(const std::string& parent, std::string_view name) {
    return code(tree.mkdir(id(parent), name));
  }
  int rmdir(const std::string& parent, std::string_view name) {
    return code(tree.rmdir(id(parent), name));
  }
  int symlink(const std::string& parent, std::string_view name, std::string_view target) {
    return code(tree.symlink(id(parent), name, tree.resolve(target)));
  }
  int unlink(const std::string& parent, std::string_view name) {
    return code(tree.unlink(id(parent), name));
  }
  int write(const std::string& path, std::string_view text) {
    return code(tree.write(id(path), text));
  }
  std::string read(const std::string& path) const { return tree.read(id(path)).value(); }
  std::vector<std::string> list(const std::string& path) const {
    std::vector<std::string> names;
    const auto all = tree.list(id(path)).value();
    for (const Listed& listed : all) names.push_back(listed.name);
    return names;
  }

  template <class T>
  static int code(const Result<T>& result) {
    return result ? 0 : result.error().code;
  }
};

}  // namespace srpd::tree::test
