#include <memory>

#include "runtime/epoll_loop.h"
#include "runtime/loop.h"

namespace srpd::runtime {

Expected<std::unique_ptr<Loop>> make_loop(const LoopOptions& options) {
  if (options.backend == LoopOptions::Backend::io_uring)
    return failure("loop", "io_uring is not available in this build");
  return std::make_unique<EpollLoop>(options);
}

}  // namespace srpd::runtime
