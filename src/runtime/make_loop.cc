#include <memory>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "runtime/epoll_loop.h"
#include "runtime/loop.h"
#include "runtime/uring_loop.h"

namespace srpd::runtime {

Expected<std::unique_ptr<Loop>> make_loop(const LoopOptions& options) {
  if (options.backend == LoopOptions::Backend::epoll) return std::make_unique<EpollLoop>(options);
  auto uring = UringLoop::make(options);
  if (uring || options.backend == LoopOptions::Backend::io_uring) return uring;
  static std::once_flag once;
  std::call_once(once, [&uring] {
    log::info("{}; files are served by worker threads over epoll", uring.error().text());
  });
  return std::make_unique<EpollLoop>(options);
}

}  // namespace srpd::runtime
