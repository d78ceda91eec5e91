#include "target/latency_recorder.h"

#include <span>
#include <utility>

namespace srpd::target {

void LatencyRecorder::settle() {
  const runtime::Time now = loop_.now();
  for (const Served& each : std::span(waiting_).first(std::exchange(count_, 0))) {
    const auto nanoseconds = static_cast<std::uint64_t>((now - each.taken).count());
    each.session->add(nanoseconds);
    if (each.unit != nullptr) each.unit->add(nanoseconds);
  }
}

}  // namespace srpd::target
