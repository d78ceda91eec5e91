// The metrics of srpd (docs/metrics.md): gathered from a running target by loops that only hand
// over what they have, written by whoever asks.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "observe/exposition.h"
#include "runtime/loop.h"
#include "target/target.h"
#include "transport/transport.h"

namespace srpd::observe {

/// Every metric there can be, in the order of the page.
std::span<const Metric> metrics();

/// What is gathered from; all of it outlives it.
struct Sources {
  target::Target& target;
  /// The first is home to the target.
  std::vector<runtime::Loop*> loops;
  std::function<std::vector<transport::CompletionVectorCount>()> completion_vectors;
  std::string version;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

/// The page. On no loop, while they run; waits for them.
std::string page(const Sources& sources);

}  // namespace srpd::observe
