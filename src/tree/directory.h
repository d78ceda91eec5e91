// The base of the model's objects. A directory has attributes (a static table), default groups
// (made with it and gone with it), and children that users make: directories by mkdir, links by
// symlink. What the rules of the kernel's configfs ask of an object are the virtual functions here;
// Tree applies them in the kernel's order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "tree/attribute.h"
#include "tree/failure.h"
#include "tree/id.h"

namespace srpd::tree {

class Change;
class Directory;

/// What a directory contains besides attributes: a directory or a link.
class Entry {
 public:
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  virtual ~Entry() = default;

  Id id() const { return id_; }
  const std::string& name() const { return name_; }
  Directory* parent() const { return parent_; }  ///< null: the root, or not in a tree
  bool is_link() const { return is_link_; }
  /// By mkdir or symlink, not a default group.
  bool user_made() const { return user_made_; }

 protected:
  explicit Entry(bool is_link) : is_link_(is_link) {}

 private:
  friend class Directory;
  friend class Tree;

  Id id_ = 0;
  std::string name_;
  Directory* parent_ = nullptr;
  std::unique_ptr<Entry> next_;  ///< the next older one
  Entry* newer_ = nullptr;
  bool is_link_;
  bool user_made_ = false;
};

class Link final : public Entry {
 public:
  explicit Link(Directory& target) : Entry(true), target_(target) {}
  Directory& target() const { return target_; }

 private:
  Directory& target_;
};

class Directory : public Entry {
 public:
  ~Directory() override;

  /// Never more than max_rows; the same ones for as long as the object lives.
  virtual std::span<const Attribute> attributes() const { return {}; }

  /// mkdir in this directory; Tree has checked the length of the name, and that it is new. The
  /// object gets its name and place when it is returned.
  virtual Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name);
  /// This user-made directory goes; nothing user-made is below it and no link leads to it. It is
  /// still in the tree, but nobody else changes it any more.
  virtual void drop(Change& change) { static_cast<void>(change); }

  /// Whether links are for this directory at all.
  virtual bool takes_links() const { return false; }
  virtual Result<void> allow_link(Change& change, std::string_view name, Directory& target);
  /// The link to `target` goes; it is still there.
  virtual void drop_link(Change& change, Directory& target);

  /// From the root, without a slash at the start: "target/core". Empty for the root.
  std::string path() const;
  std::size_t depth() const;
  /// Of the children and groups the one with that name, or null.
  Entry* find(std::string_view name) const;
  Directory* find_directory(std::string_view name) const;
  std::size_t made_count() const { return made_count_; }
  std::size_t subdirectories() const { return subdirectories_; }
  /// The directory itself or, of a default group, the one that it came with: what users see as one
  /// thing.
  Directory& object();
  /// How many links lead here.
  std::size_t link_count() const { return link_count_; }

  /// The user-made ones, newest first.
  template <class Visitor>
  void for_each_made(Visitor&& visit) const {
    for (Entry* entry = made_.get(); entry; entry = entry->next_.get()) visit(*entry);
  }
  /// The default groups, the last made first.
  template <class Visitor>
  void for_each_group(Visitor&& visit) const {
    for (Entry* entry = groups_.get(); entry; entry = entry->next_.get())
      visit(static_cast<Directory&>(*entry));
  }
  /// The only link in it, or null.
  const Link* first_link() const;

 protected:
  Directory() : Entry(false) {}

  /// A default group; for constructors, before the directory is in a tree.
  Directory& add_group(std::string name, std::unique_ptr<Directory> group);
  template <class Group, class... Arguments>
  Group& make_group(std::string name, Arguments&&... arguments) {
    auto group = std::make_unique<Group>(std::forward<Arguments>(arguments)...);
    Group& made = *group;
    add_group(std::move(name), std::move(group));
    return made;
  }

 private:
  friend class Change;
  friend class Tree;
  using Index = std::unordered_map<std::string_view, Entry*>;

  Entry& add_made(std::string name, std::unique_ptr<Entry> entry);
  std::unique_ptr<Entry> remove_made(Entry& entry);
  static void push_front(std::unique_ptr<Entry>& head, std::unique_ptr<Entry> entry);
  bool anything_made_below() const;
  void mark_busy();
  void mark_idle();
  /// Somebody works unlocked on this directory or on one that it is part of.
  bool busy() const;
  bool busy_below() const { return busy_below_ != 0; }

  std::unique_ptr<Entry> groups_;
  std::unique_ptr<Entry> made_;
  std::unique_ptr<Index> index_;  ///< of made_, when there are more than a few
  std::uint32_t made_count_ = 0;
  std::uint32_t subdirectories_ = 0;
  std::uint32_t link_count_ = 0;
  std::uint32_t busy_ = 0;
  std::uint32_t busy_below_ = 0;
};

}  // namespace srpd::tree
