#include "tree/change.h"

#include "tree/tree.h"

namespace srpd::tree {

Change::Change(Tree& tree) : tree_(tree), lock_(tree.lock_) {}

Change::~Change() {
  lock_.unlock();
  if (!events_.empty()) tree_.tell(events_);
}

Change::Unlocked::Unlocked(Change& change) : change_(change) {
  if (change_.subject_) change_.subject_->object().mark_busy();
  if (change_.object_) change_.object_->object().mark_busy();
  change_.lock_.unlock();
}

Change::Unlocked::~Unlocked() {
  change_.lock_.lock();
  if (change_.subject_) change_.subject_->object().mark_idle();
  if (change_.object_) change_.object_->object().mark_idle();
  change_.tree_.settled_.notify_all();
}

void Change::changed(const Directory& directory, std::string_view attribute) {
  const auto rows = directory.attributes();
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (rows[row].name != attribute) continue;
    add(Event::Kind::changed, directory.id(), attribute_id(directory.id(), row),
        std::string(attribute));
    return;
  }
}

void Change::add(Event::Kind kind, Id parent, Id id, const std::string& name) {
  if (tree_.any_listener_) events_.push_back({kind, parent, id, name, tree_.next_event_++});
}

}  // namespace srpd::tree
