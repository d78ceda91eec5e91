#include "runtime/thread.h"

#include <pthread.h>
#include <sched.h>

namespace srpd::runtime {
namespace {

Expected<void> settle(const LoopThreadOptions& options) {
  ::pthread_setname_np(::pthread_self(), options.name.substr(0, 15).c_str());
  if (!options.cpu) return {};
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  int rc = EINVAL;
  if (*options.cpu >= 0 && *options.cpu < CPU_SETSIZE) {
    CPU_SET(static_cast<std::size_t>(*options.cpu), &cpus);
    rc = ::pthread_setaffinity_np(::pthread_self(), sizeof(cpus), &cpus);
  }
  if (rc == 0) return {};
  return failure(options.name,
                 "cannot run on CPU " + std::to_string(*options.cpu) + ": " + errno_text(rc),
                 "choose one of those that `taskset -p` lists for this process");
}

}  // namespace

Expected<std::unique_ptr<LoopThread>> LoopThread::start(const LoopThreadOptions& options) {
  std::unique_ptr<LoopThread> made(new LoopThread);
  Expected<void> started;
  detail::Signal ready;
  made->thread_ = std::thread([&options, &started, &ready, &made = *made] {
    started = settle(options);
    if (started) {
      // Made here, so that its memory is local to the CPU it runs on.
      auto loop = make_loop(options.loop);
      if (loop) {
        made.loop_ = std::move(*loop);
      } else {
        started = tl::unexpected<Error>(loop.error());
      }
    }
    Loop* const running = made.loop_.get();
    ready.set();
    if (running != nullptr) running->run();
  });
  ready.wait();
  if (!started) return tl::unexpected<Error>(started.error());
  return made;
}

LoopThread::~LoopThread() { stop(); }

void LoopThread::stop() {
  if (!thread_.joinable()) return;
  if (loop_ != nullptr) loop_->stop();
  thread_.join();
}

}  // namespace srpd::runtime
