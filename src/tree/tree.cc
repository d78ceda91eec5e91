// Order of checks: that of a file system call on the kernel's configfs. First what the VFS looks at
// (is the parent there, is the name taken), then what configfs looks at (may anything be made here
// at all, is it a default group, does a link lead to it, is anything in it), then the object.
#include "tree/tree.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"

namespace srpd::tree {
namespace {

constexpr std::uint32_t directory_mode = 0755;
constexpr std::uint32_t link_mode = 0777;
constexpr std::uint64_t attribute_size = 4096;
constexpr unsigned max_links_followed = 40;

bool valid_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

tl::unexpected<Failure> gone() { return fail(ENOENT, "there is no such object"); }

std::optional<std::size_t> find_row(const Directory& directory, std::string_view name) {
  const auto rows = directory.attributes();
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const Attribute& row) { return row.name == name; });
  if (found == rows.end()) return std::nullopt;
  return static_cast<std::size_t>(found - rows.begin());
}

}  // namespace

Tree::Tree(std::unique_ptr<Directory> root) : root_(std::move(root)) {
  take_in(*root_);
  CHECK(root_->id() == root_id);
}

Tree::~Tree() = default;

void Tree::take_in(Entry& entry) {
  entry.id_ = make_id(next_sequence_++);
  entries_.emplace(id_sequence(entry.id_), &entry);
  if (entry.is_link_) return;
  auto& directory = static_cast<Directory&>(entry);
  CHECK(directory.attributes().size() <= max_rows);
  directory.for_each_group([this](Directory& group) { take_in(group); });
}

void Tree::forget(Entry& entry) {
  entries_.erase(id_sequence(entry.id_));
  ownerships_.erase(ownerships_.lower_bound(make_id(id_sequence(entry.id_)) - id_itself),
                    ownerships_.lower_bound(make_id(id_sequence(entry.id_) + 1) - id_itself));
  if (entry.is_link_) return;
  static_cast<Directory&>(entry).for_each_group([this](Directory& group) { forget(group); });
}

Result<Entry*> Tree::entry(Id id) const {
  const auto found = entries_.find(id_sequence(id));
  if (found == entries_.end() || id_low(id) < id_itself) return gone();
  return found->second;
}

Result<Directory*> Tree::directory(Id id) const {
  const auto found = entry(id);
  if (!found) return tl::unexpected(found.error());
  if (is_attribute(id) || (*found)->is_link()) return fail(ENOTDIR, "it is no directory");
  return static_cast<Directory*>(*found);
}

Result<std::pair<Directory*, const Attribute*>> Tree::attribute(Id id) const {
  const auto found = entry(id);
  if (!found) return tl::unexpected(found.error());
  if (!is_attribute(id)) return fail((*found)->is_link() ? ELOOP : EISDIR, "it is no attribute");
  auto* const owner = static_cast<Directory*>(*found);
  const auto rows = owner->attributes();
  if ((*found)->is_link() || id_row(id) >= rows.size()) return gone();
  return std::pair(owner, &rows[id_row(id)]);
}

Result<Directory*> Tree::settled(Change& change, Id id) {
  for (;;) {
    const auto found = directory(id);
    if (!found) return found;
    change.subject_ = *found;
    if (!(*found)->busy()) return found;
    settled_.wait(change.lock_);
  }
}

Result<Entry*> Tree::settled_child(Change& change, Id parent, std::string_view name) {
  for (;;) {
    const auto found = settled(change, parent);
    if (!found) return tl::unexpected(found.error());
    if (name.size() > max_name_bytes) return fail(ENAMETOOLONG, "the name is too long");
    Entry* const child = (*found)->find(name);
    if (!child) {
      if (find_row(**found, name)) return nullptr;
      return gone();
    }
    const bool busy = child->is_link() ? static_cast<Link*>(child)->target().busy()
                                       : static_cast<Directory*>(child)->busy_below();
    if (!busy) return child;
    settled_.wait(change.lock_);
  }
}

Result<void> Tree::check_new(const Directory& parent, std::string_view name) const {
  if (name.size() > max_name_bytes) return fail(ENAMETOOLONG, "the name is too long");
  if (!valid_name(name))
    return fail(EINVAL, "this cannot be a name", "a name has no slash in it, and is not . or ..");
  if (parent.find(name) || find_row(parent, name))
    return fail(EEXIST, "there is already something of that name");
  return {};
}

Status Tree::owned(Status status) const {
  const auto found = ownerships_.find(status.id);
  if (found == ownerships_.end()) return status;
  status.mode = found->second.mode.value_or(status.mode);
  status.uid = found->second.uid.value_or(status.uid);
  status.gid = found->second.gid.value_or(status.gid);
  return status;
}

Status Tree::status_of(const Entry& entry) const {
  Status status{.id = entry.id()};
  if (entry.is_link()) {
    status.kind = Kind::link;
    status.mode = link_mode;
  } else {
    status.mode = directory_mode;
    status.links = 2 + static_cast<const Directory&>(entry).subdirectories();
  }
  return owned(status);
}

Status Tree::status_of(const Directory& directory, std::size_t row) const {
  return owned({.id = attribute_id(directory.id(), row),
                .kind = Kind::attribute,
                .mode = directory.attributes()[row].mode(),
                .size = attribute_size});
}

Result<Status> Tree::status(Id id) const {
  const std::lock_guard lock(lock_);
  const auto found = entry(id);
  if (!found) return tl::unexpected(found.error());
  if (!is_attribute(id)) return status_of(**found);
  const auto row = attribute(id);
  if (!row) return tl::unexpected(row.error());
  return status_of(*row->first, id_row(id));
}

Result<Status> Tree::lookup(Id parent, std::string_view name) const {
  const std::lock_guard lock(lock_);
  const auto found = directory(parent);
  if (!found) return tl::unexpected(found.error());
  if (name.size() > max_name_bytes) return fail(ENAMETOOLONG, "the name is too long");
  if (const Entry* child = (*found)->find(name)) return status_of(*child);
  if (const auto row = find_row(**found, name)) return status_of(**found, *row);
  return gone();
}

Result<std::vector<Listed>> Tree::list(Id id) const {
  const std::lock_guard lock(lock_);
  const auto found = directory(id);
  if (!found) return tl::unexpected(found.error());
  const Directory& listed = **found;
  const auto rows = listed.attributes();
  std::vector<Listed> out;
  out.reserve(listed.made_count() + listed.subdirectories() + rows.size());
  const auto add = [&](const Entry& entry) { out.push_back({entry.name(), status_of(entry)}); };
  listed.for_each_made(add);
  listed.for_each_group(add);
  for (std::size_t row = 0; row < rows.size(); ++row)
    out.push_back({std::string(rows[row].name), status_of(listed, row)});
  return out;
}

Result<std::string> Tree::path(Id id) const {
  const std::lock_guard lock(lock_);
  const auto found = entry(id);
  if (!found) return tl::unexpected(found.error());
  std::string name = (*found)->name();
  std::string above;
  if (is_attribute(id)) {
    const auto row = attribute(id);
    if (!row) return tl::unexpected(row.error());
    name = row->second->name;
    above = row->first->path();
  } else if ((*found)->parent()) {
    above = (*found)->parent()->path();
  }
  return above.empty() ? name : above + '/' + name;
}

Result<Id> Tree::resolve(std::string_view path, Id from) const {
  const std::lock_guard lock(lock_);
  if (!path.empty() && path.front() == '/') from = root_id;
  return walk(from, path, max_links_followed);
}

Result<Id> Tree::walk(Id from, std::string_view path, unsigned links_left) const {
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const auto next = step(from, path.substr(0, slash), links_left);
    if (!next) return next;
    from = *next;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return from;
}

Result<Id> Tree::step(Id from, std::string_view name, unsigned links_left) const {
  const auto found = directory(from);
  if (!found) return tl::unexpected(found.error());
  if (name.empty() || name == ".") return from;
  if (name == "..") return (*found)->parent() ? (*found)->parent()->id() : from;
  if (name.size() > max_name_bytes) return fail(ENAMETOOLONG, "the name is too long");
  if (const Entry* child = (*found)->find(name)) {
    if (!child->is_link()) return child->id();
    if (links_left == 0) return fail(ELOOP, "too many links");
    return static_cast<const Link*>(child)->target().id();
  }
  if (const auto row = find_row(**found, name)) return attribute_id(from, *row);
  return gone();
}

Result<void> Tree::may_open(Id id, bool reading, bool writing) const {
  const std::lock_guard lock(lock_);
  const auto found = attribute(id);
  if (!found) return tl::unexpected(found.error());
  if (reading && !found->second->show) return fail(EACCES, "it cannot be read, only written");
  if (writing && !found->second->store) return fail(EACCES, "it cannot be written, only read");
  return {};
}

Result<std::string> Tree::read(Id id) const {
  const std::lock_guard lock(lock_);
  const auto found = attribute(id);
  if (!found) return tl::unexpected(found.error());
  if (!found->second->show) return fail(EACCES, "it cannot be read, only written");
  return found->second->show(*found->first);
}

Result<std::size_t> Tree::write(Id id, std::string_view text) {
  Change change(*this);
  if (is_attribute(id)) {
    const auto owner = settled(change, id_owner(id));
    if (!owner) return tl::unexpected(owner.error());
  }
  const auto found = attribute(id);
  if (!found) return tl::unexpected(found.error());
  if (!found->second->store) return fail(EACCES, "it cannot be written, only read");
  if (text.empty()) return fail(EFAULT, "there is nothing to store");
  text = text.substr(0, max_store_bytes);
  // To the kernel's attributes it is a string of C.
  const auto stored = found->second->store(change, *found->first, text.substr(0, text.find('\0')));
  if (!stored) return tl::unexpected(stored.error());
  change.add(Event::Kind::stored, found->first->id(), id, std::string(found->second->name));
  return text.size();
}

Result<Id> Tree::mkdir(Id parent, std::string_view name) {
  Change change(*this);
  const auto found = settled(change, parent);
  if (!found) return tl::unexpected(found.error());
  if (auto good = check_new(**found, name); !good) return tl::unexpected(good.error());
  auto made = (*found)->make(change, name);
  if (!made) return tl::unexpected(made.error());
  Entry& added = (*found)->add_made(std::string(name), std::move(*made));
  take_in(added);
  change.add(Event::Kind::made, parent, added.id(), added.name());
  return added.id();
}

Result<void> Tree::rmdir(Id parent, std::string_view name) {
  Change change(*this);
  const auto found = settled_child(change, parent, name);
  if (!found) return tl::unexpected(found.error());
  if (!*found || (*found)->is_link()) return fail(ENOTDIR, "it is no directory");
  auto& going = static_cast<Directory&>(**found);
  if (!going.user_made()) return fail(EPERM, "it belongs to the directory that it is in");
  if (going.link_count() != 0) return fail(EBUSY, "a link leads to it", "remove the link first");
  if (going.anything_made_below())
    return fail(ENOTEMPTY, "there are directories or links in it", "remove those first");
  change.subject_ = &going;
  going.drop(change);
  change.add(Event::Kind::removed, parent, going.id(), going.name());
  change.subject_ = nullptr;
  forget(going);
  const auto removed = going.parent_->remove_made(going);
  settled_.notify_all();
  return {};
}

Result<Id> Tree::symlink(Id parent, std::string_view name, const Result<Id>& target) {
  Change change(*this);
  for (;;) {
    const auto found = settled(change, parent);
    if (!found) return tl::unexpected(found.error());
    if (auto good = check_new(**found, name); !good) return tl::unexpected(good.error());
    if (!(*found)->takes_links()) return fail(EPERM, "no links can be made here");
    if (!target) return tl::unexpected(target.error());
    const auto to = directory(*target);
    if (!to) return tl::unexpected(to.error());
    if ((*to)->busy()) {
      settled_.wait(change.lock_);
      continue;
    }
    change.object_ = *to;
    if (auto allowed = (*found)->allow_link(change, name, **to); !allowed)
      return tl::unexpected(allowed.error());
    Entry& added = (*found)->add_made(std::string(name), std::make_unique<Link>(**to));
    ++(*to)->link_count_;
    take_in(added);
    change.add(Event::Kind::linked, parent, added.id(), added.name());
    return added.id();
  }
}

Result<void> Tree::unlink(Id parent, std::string_view name) {
  Change change(*this);
  const auto found = settled_child(change, parent, name);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return fail(EPERM, "attributes cannot be removed");
  if (!(*found)->is_link()) return fail(EISDIR, "it is a directory");
  auto& going = static_cast<Link&>(**found);
  Directory& target = going.target();
  change.object_ = &target;
  Directory& holder = *going.parent_;
  holder.drop_link(change, target);
  change.add(Event::Kind::unlinked, parent, going.id(), going.name());
  forget(going);
  --target.link_count_;
  const auto removed = holder.remove_made(going);
  return {};
}

Result<std::string> Tree::link_text(Id id) const {
  const std::lock_guard lock(lock_);
  const auto found = entry(id);
  if (!found) return tl::unexpected(found.error());
  if (is_attribute(id) || !(*found)->is_link()) return fail(EINVAL, "it is no link");
  std::string text;
  for (std::size_t up = (*found)->parent()->depth(); up != 0; --up) text += "../";
  return text += static_cast<const Link*>(*found)->target().path();
}

Result<Id> Tree::link_target(Id id) const {
  const std::lock_guard lock(lock_);
  const auto found = entry(id);
  if (!found) return tl::unexpected(found.error());
  if (is_attribute(id) || !(*found)->is_link()) return fail(EINVAL, "it is no link");
  return static_cast<const Link*>(*found)->target().id();
}

Result<Status> Tree::set_ownership(Id id, const Ownership& ownership) {
  {
    const std::lock_guard lock(lock_);
    const auto found = entry(id);
    if (!found) return tl::unexpected(found.error());
    if (is_attribute(id)) {
      if (const auto row = attribute(id); !row) return tl::unexpected(row.error());
    }
    Ownership& kept = ownerships_[id];
    if (ownership.mode) kept.mode = *ownership.mode & 07777;
    if (ownership.uid) kept.uid = ownership.uid;
    if (ownership.gid) kept.gid = ownership.gid;
  }
  return status(id);
}

void Tree::add_listener(Listener& listener) {
  const std::unique_lock list(listeners_lock_);
  const std::lock_guard lock(lock_);
  listeners_.push_back(&listener);
  any_listener_ = true;
}

void Tree::remove_listener(Listener& listener) {
  const std::unique_lock list(listeners_lock_);
  const std::lock_guard lock(lock_);
  std::erase(listeners_, &listener);
  any_listener_ = !listeners_.empty();
}

void Tree::tell(const std::vector<Event>& events) {
  const std::shared_lock list(listeners_lock_);
  for (Listener* listener : listeners_)
    for (const Event& event : events) listener->on_change(event);
}

}  // namespace srpd::tree
