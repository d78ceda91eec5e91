// Writes to files of the kernel that can be told to let go: a login written to add_target takes as
// long as the network does.
#pragma once

#include <pthread.h>

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace srpd::kernel {

class InterruptibleWriter {
 public:
  /// From here on SIGUSR2 does nothing but interrupt system calls.
  InterruptibleWriter();
  InterruptibleWriter(const InterruptibleWriter&) = delete;
  InterruptibleWriter& operator=(const InterruptibleWriter&) = delete;

  /// One system call. 0 or -errno, -EINTR when it was interrupted. One at a time.
  int write(const std::string& path, std::string_view text);
  /// What is being written at this moment, if the system call has begun: repeat it until the writer
  /// is back. Any thread.
  void interrupt();

 private:
  int write_here(const std::string& path, std::string_view text);

  std::mutex mutex_;
  std::optional<pthread_t> writing_;
};

}  // namespace srpd::kernel
