// The choice of the back end, and what a loop does with memory nobody uses.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>

#include "runtime/buffer_pool.h"
#include "runtime/loop.h"
#include "unit/runtime/loop_suite.h"

namespace srpd::runtime::test {
namespace {

/// Makes io_uring_setup(2) fail on this thread, for good.
bool forbid_io_uring(int error_number) {
  const std::array filter{
      sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_io_uring_setup},
      sock_filter{BPF_RET | BPF_K, 0, 0,
                  SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error_number)},
      sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                           .filter = const_cast<sock_filter*>(filter.data())};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

struct Choice {
  bool filtered = false;
  std::string automatic;
  std::string reason;
};

Choice choice_where_forbidden(int error_number) {
  Choice out;
  std::thread([&] {
    out.filtered = forbid_io_uring(error_number);
    LoopOptions options;
    if (auto loop = make_loop(options)) out.automatic = (*loop)->kind();
    options.backend = LoopOptions::Backend::io_uring;
    if (auto loop = make_loop(options); !loop) out.reason = loop.error().text();
  }).join();
  return out;
}

TEST(MakeLoop, FallsBackToEpollAndNamesTheReason) {
  const Choice policy = choice_where_forbidden(EPERM);
  if (!policy.filtered) GTEST_SKIP() << "seccomp filters are refused here";
  EXPECT_EQ(policy.automatic, "epoll");
  EXPECT_NE(policy.reason.find("forbidden by"), std::string::npos) << policy.reason;
  const Choice missing = choice_where_forbidden(ENOSYS);
  EXPECT_EQ(missing.automatic, "epoll");
  EXPECT_NE(missing.reason.find("no io_uring"), std::string::npos) << missing.reason;
  const Choice old = choice_where_forbidden(EINVAL);
  EXPECT_NE(old.reason.find("older than 5.19"), std::string::npos) << old.reason;
  const Choice locked = choice_where_forbidden(ENOMEM);
  EXPECT_NE(locked.reason.find("RLIMIT_MEMLOCK"), std::string::npos) << locked.reason;
}

TEST(MakeLoop, GivesUnusedBuffersBackAfterAWhile) {
  for (const char* const kind : {"io_uring", "epoll"}) {
    const auto bench = make_bench(kind);
    if (bench == nullptr) continue;
    BufferPool& pool = bench->loop().buffers();
    const Buffer buffer = pool.try_acquire(BufferPool::largest);
    std::memset(buffer.data, 1, buffer.size);
    pool.release(buffer);
    EXPECT_EQ(pool.reserved_bytes(), BufferPool::largest);
    // Nothing happens on this loop: it has to wake up for it by itself.
    bench->run_until([] { return false; }, 2500ms);
    EXPECT_EQ(pool.reserved_bytes(), 0u) << kind;
  }
}

}  // namespace
}  // namespace srpd::runtime::test
