#include "tree/directory.h"

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace srpd::tree {
namespace {

/// Up to here a walk along the list is as fast as an index.
constexpr std::size_t unindexed_children = 8;

/// One after the other: the destructors of a list would nest as deep as it is long.
void release(std::unique_ptr<Entry> head, std::unique_ptr<Entry> Entry::* next) {
  while (head) head = std::move((*head).*next);
}

}  // namespace

Directory::~Directory() {
  release(std::move(made_), &Entry::next_);
  release(std::move(groups_), &Entry::next_);
}

Result<std::unique_ptr<Directory>> Directory::make(Change& change, std::string_view name) {
  static_cast<void>(change);
  static_cast<void>(name);
  return fail(EPERM, "no directories can be made here");
}

Result<void> Directory::allow_link(Change& change, std::string_view name, Directory& target) {
  static_cast<void>(change);
  static_cast<void>(name);
  static_cast<void>(target);
  return fail(EPERM, "no links can be made here");
}

void Directory::drop_link(Change& change, Directory& target) {
  static_cast<void>(change);
  static_cast<void>(target);
}

std::string Directory::path() const {
  if (!parent()) return {};
  std::string out = parent()->path();
  if (!out.empty()) out += '/';
  return out += name();
}

std::size_t Directory::depth() const {
  std::size_t depth = 0;
  for (const Directory* above = parent(); above; above = above->parent()) ++depth;
  return depth;
}

Entry* Directory::find(std::string_view name) const {
  for (Entry* entry = groups_.get(); entry; entry = entry->next_.get())
    if (entry->name_ == name) return entry;
  if (index_) {
    const auto found = index_->find(name);
    return found == index_->end() ? nullptr : found->second;
  }
  for (Entry* entry = made_.get(); entry; entry = entry->next_.get())
    if (entry->name_ == name) return entry;
  return nullptr;
}

Directory* Directory::find_directory(std::string_view name) const {
  Entry* entry = find(name);
  return entry && !entry->is_link() ? static_cast<Directory*>(entry) : nullptr;
}

Directory& Directory::object() {
  Directory* whole = this;
  while (!whole->user_made() && whole->parent()) whole = whole->parent();
  return *whole;
}

const Link* Directory::first_link() const {
  for (const Entry* entry = made_.get(); entry; entry = entry->next_.get())
    if (entry->is_link()) return static_cast<const Link*>(entry);
  return nullptr;
}

Directory& Directory::add_group(std::string name, std::unique_ptr<Directory> group) {
  CHECK(id() == 0);
  Directory& added = *group;
  added.name_ = std::move(name);
  added.parent_ = this;
  push_front(groups_, std::move(group));
  ++subdirectories_;
  return added;
}

void Directory::push_front(std::unique_ptr<Entry>& head, std::unique_ptr<Entry> entry) {
  if (head) head->newer_ = entry.get();
  entry->next_ = std::move(head);
  head = std::move(entry);
}

Entry& Directory::add_made(std::string name, std::unique_ptr<Entry> entry) {
  Entry& added = *entry;
  added.name_ = std::move(name);
  added.parent_ = this;
  added.user_made_ = true;
  push_front(made_, std::move(entry));
  ++made_count_;
  if (!added.is_link_) ++subdirectories_;
  if (index_) {
    index_->emplace(added.name_, &added);
  } else if (made_count_ > unindexed_children) {
    index_ = std::make_unique<Index>();
    for_each_made([this](Entry& each) { index_->emplace(each.name_, &each); });
  }
  return added;
}

std::unique_ptr<Entry> Directory::remove_made(Entry& entry) {
  if (index_) index_->erase(entry.name_);
  std::unique_ptr<Entry>& holder = entry.newer_ ? entry.newer_->next_ : made_;
  std::unique_ptr<Entry> removed = std::move(holder);
  holder = std::move(removed->next_);
  if (holder) holder->newer_ = removed->newer_;
  removed->newer_ = nullptr;
  --made_count_;
  if (!removed->is_link_) --subdirectories_;
  return removed;
}

bool Directory::anything_made_below() const {
  if (made_count_ != 0) return true;
  bool found = false;
  for_each_group([&](const Directory& group) { found = found || group.anything_made_below(); });
  return found;
}

void Directory::mark_busy() {
  ++busy_;
  for (Directory* above = this; above; above = above->parent_) ++above->busy_below_;
}

void Directory::mark_idle() {
  --busy_;
  for (Directory* above = this; above; above = above->parent_) --above->busy_below_;
}

bool Directory::busy() const {
  for (const Directory* above = this; above; above = above->parent_)
    if (above->busy_ != 0) return true;
  return false;
}

}  // namespace srpd::tree
