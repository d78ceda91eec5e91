#include "runtime/wake_cost.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <thread>

namespace srpd::runtime {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Enough that some of them are not disturbed by others.
constexpr int rounds = 16;
// Before each, so that the other processor has gone idle, as it is when a request arrives.
constexpr Time pause = 100us;
// Measuring goes on no longer, and this is assumed where nothing could be measured.
constexpr Time patience = 100ms;
constexpr Time assumed = 10us;

class Bell {
 public:
  Bell() : fd_(::eventfd(0, EFD_CLOEXEC)) {}
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  ~Bell() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool works() const { return fd_ >= 0; }
  bool ring() {
    const std::uint64_t one = 1;
    return ::write(fd_, &one, sizeof one) == sizeof one;
  }
  bool wait() {
    std::uint64_t count = 0;
    return ::read(fd_, &count, sizeof count) == sizeof count;
  }

 private:
  int fd_;
};

// In a round trip each of the two wakes the other. Which one counts: three quarters are cheaper,
// because the two now and then share a processor that is awake.
Time measure() {
  Bell call;
  Bell answer;
  if (!call.works() || !answer.works()) return assumed;
  std::thread other;
  try {
    other = std::thread([&] {
      for (int i = 0; i < rounds && call.wait() && answer.ring(); ++i) {
      }
    });
  } catch (const std::system_error&) {
    return assumed;
  }
  std::array<Time, rounds> trips;
  trips.fill(Time::max());
  const auto begin = Clock::now();
  std::size_t measured = 0;
  for (int i = 0; i < rounds; ++i) {
    std::this_thread::sleep_for(pause);
    const auto start = Clock::now();
    if (!call.ring() || !answer.wait()) break;
    const auto end = Clock::now();
    if (end - begin < patience) trips[measured++] = end - start;
  }
  other.join();
  if (measured == 0) return patience;
  const auto chosen = trips.begin() + static_cast<std::ptrdiff_t>(measured * 3 / 4);
  std::nth_element(trips.begin(), chosen, trips.begin() + static_cast<std::ptrdiff_t>(measured));
  return *chosen / 2;
}

}  // namespace

Time wake_cost() {
  static const Time cost = measure();
  return cost;
}

}  // namespace srpd::runtime
