// What everything made by one transport has in common.
#pragma once

#include <vector>

#include "transport/verbs/device.h"
#include "transport/verbs/loop_state.h"
#include "transport/verbs/options.h"

namespace srpd::transport::verbs {

struct Shared {
  explicit Shared(const VerbsOptions& set) : options(set) {}
  const VerbsOptions options;
  Devices devices;
  LoopStates loops;
  std::vector<runtime::PinnableMemory*> lent;  // complete before the first listener or connection
  std::vector<runtime::Loop*> homes;           // of accepted connections; likewise
};

}  // namespace srpd::transport::verbs
