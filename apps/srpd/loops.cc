#include "srpd/loops.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include "base/log.h"

namespace srpd::app {
namespace {

// ib_srp logs in with at most 4 channels for each NUMA node, so more would serve few hosts.
constexpr int most_loops = 4;

std::size_t loop_count(const Options& options) {
  if (options.loops != 0) return options.loops;
  if (!options.cpus.empty()) return options.cpus.size();
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return static_cast<std::size_t>(std::clamp(CPU_COUNT(&allowed), 1, most_loops));
}

std::optional<int> cpu_of(const Options& options, std::size_t index) {
  if (options.cpus.empty()) return std::nullopt;
  return static_cast<int>(options.cpus[index % options.cpus.size()]);
}

/// Serving on another CPU is better than not serving: a refusal is logged.
void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0)
    log::warning("--cpu {}: cannot stay on it: {}", cpu, errno_text(errno));
}

}  // namespace

Expected<std::unique_ptr<Loops>> Loops::start(const Options& options) {
  std::unique_ptr<Loops> made(new Loops);
  const std::size_t count = loop_count(options);
  // The others first: threads inherit the affinity of the one that makes them.
  for (std::size_t i = 1; i < count; ++i) {
    auto other = runtime::LoopThread::start(
        {.name = "srpd/" + std::to_string(i), .cpu = cpu_of(options, i), .loop = options.loop});
    if (!other) return tl::make_unexpected(other.error());
    made->others_.push_back(std::move(*other));
  }
  auto home = runtime::make_loop(options.loop);
  if (!home) return tl::make_unexpected(home.error());
  made->home_ = std::move(*home);
  // Last: with one CPU to run on, the loop would not look for work.
  if (const auto cpu = cpu_of(options, 0)) stay_on(*cpu);
  return made;
}

std::vector<runtime::Loop*> Loops::all() const {
  std::vector<runtime::Loop*> loops{home_.get()};
  for (const auto& other : others_) loops.push_back(&other->loop());
  return loops;
}

void Loops::stop_others() {
  for (const auto& other : others_) other->stop();
}

}  // namespace srpd::app
