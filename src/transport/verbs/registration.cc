#include "transport/verbs/registration.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/log.h"

namespace srpd::transport::verbs {
namespace {

constexpr const char* memlock_remedy =
    "allow more: LimitMEMLOCK=infinity in the systemd unit, ulimit -l unlimited in a shell, or "
    "CAP_IPC_LOCK";

// Receive buffers and data buffers of a few sessions.
constexpr rlim_t comfortable = rlim_t{256} << 20;

// Pages locked by somebody with this capability do not count (capabilities(7)).
bool has_ipc_lock() {
  constexpr unsigned cap_ipc_lock = 14;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:"))
      return (std::strtoull(line.c_str() + 7, nullptr, 16) >> cap_ipc_lock & 1) != 0;
  }
  return false;
}

std::string in_mebibytes(rlim_t bytes) { return fmt::format("{} MiB", bytes >> 20); }

}  // namespace

Error registration_error(std::string object, std::size_t bytes, int error_number) {
  Error error{
      std::move(object),
      fmt::format("cannot register {} bytes of memory: {}", bytes, errno_text(error_number)), ""};
  rlimit limit{};
  const bool limited =
      (error_number == ENOMEM || error_number == EPERM || error_number == EAGAIN) &&
      ::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      !has_ipc_lock();
  if (limited) {
    error.cause += fmt::format(" (locked memory is limited to {})", in_mebibytes(limit.rlim_cur));
    error.remedy = memlock_remedy;
  }
  return error;
}

// With the capability as well: the kernel's siw goes by the limit alone.
void prepare_memory_lock() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0) return;
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= comfortable || has_ipc_lock()) return;
  log::warning(
      "locked memory is limited to {}, and adapters move data to and from locked memory only; {}",
      in_mebibytes(limit.rlim_cur), memlock_remedy);
}

}  // namespace srpd::transport::verbs
