// What every store that can be resized does alike.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/error.h"
#include "store/backstore.h"

namespace srpd::store {

/// Whether a store of `now` bytes may get `wanted` ones. `name`: of the object.
Expected<void> check_new_size(const std::string& name, std::uint64_t now, std::uint64_t wanted,
                              bool may_shrink);

/// The observer of a store whose size is changed by one thread while another one comes or goes.
class ObserverSlot {
 public:
  void set(Observer* observer) {
    const std::lock_guard lock(mutex_);
    observer_ = observer;
  }
  void tell(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (observer_ != nullptr) observer_->on_size_changed(bytes);
  }

 private:
  std::mutex mutex_;
  Observer* observer_ = nullptr;
};

}  // namespace srpd::store
