#include "mount/news.h"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <utility>

#include "mount/signals.h"

namespace srpd::mount {
namespace {

thread_local bool from_mount = false;

}  // namespace

News::FromMount::FromMount() { from_mount = true; }
News::FromMount::~FromMount() { from_mount = false; }

void News::start() {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

void News::stop() {
  {
    const std::lock_guard lock(lock_);
    stopping_ = true;
  }
  arrived_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// The texts of attributes are never cached, so only what is in a directory counts.
void News::on_change(const tree::Event& event) {
  using Kind = tree::Event::Kind;
  if (from_mount || event.kind == Kind::stored || event.kind == Kind::changed) return;
  {
    const std::lock_guard lock(lock_);
    events_.push_back(event);
  }
  arrived_.notify_one();
}

void News::run() {
  std::unique_lock lock(lock_);
  for (;;) {
    arrived_.wait(lock, [this] { return stopping_ || !events_.empty(); });
    if (stopping_) return;
    const tree::Event event = std::move(events_.front());
    events_.pop_front();
    lock.unlock();
    tell(event);
    lock.lock();
  }
}

// Failures say that the kernel did not know the name: then there is nothing to forget.
void News::tell(const tree::Event& event) {
  using Kind = tree::Event::Kind;
  if (event.kind == Kind::removed || event.kind == Kind::unlinked)
    fuse_lowlevel_notify_delete(&session_, event.parent, event.id, event.name.data(),
                                event.name.size());
  // The number of links of the parent; a negative offset leaves data alone.
  fuse_lowlevel_notify_inval_inode(&session_, event.parent, -1, 0);
}

}  // namespace srpd::mount
