// What everything made by one transport has in common.
#pragma once

#include "transport/iwarp/loop_state.h"
#include "transport/iwarp/options.h"

namespace srpd::transport::iwarp {

struct Shared {
  explicit Shared(const IwarpOptions& set) : options(set) {}
  const IwarpOptions options;
  LoopStates loops;
};

}  // namespace srpd::transport::iwarp
