// A while to wait, awaited in a command's coroutine.
#pragma once

#include "runtime/completion.h"
#include "runtime/loop.h"

namespace srpd::scsi {

struct Sleep : runtime::Completion, runtime::Timer {
  Sleep() : Timer([](Timer& self) { static_cast<Sleep&>(self).complete(0); }) {}
  void start(runtime::Loop& loop, runtime::Time duration) {
    reset();
    loop.start_timer(*this, loop.now() + duration);
  }
};

}  // namespace srpd::scsi
