#include "kernel/interruptible_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

namespace srpd::kernel {
namespace {

int write_once(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int result = written < 0 ? -errno : 0;
  ::close(fd);
  return result;
}

}  // namespace

InterruptibleWriter::InterruptibleWriter() {
  struct sigaction action{};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR2, &action, nullptr);
}

// What the kernel does for the writer, such as connecting, ends early when a signal is pending for
// its thread, and completions of an io_uring count as one. So the thread is one that has no ring.
int InterruptibleWriter::write(const std::string& path, std::string_view text) {
  int result = 0;
  std::thread([&] { result = write_here(path, text); }).join();
  return result;
}

int InterruptibleWriter::write_here(const std::string& path, std::string_view text) {
  {
    const std::lock_guard lock(mutex_);
    writing_ = ::pthread_self();
  }
  const int result = write_once(path, text);
  const std::lock_guard lock(mutex_);
  writing_.reset();
  return result;
}

void InterruptibleWriter::interrupt() {
  const std::lock_guard lock(mutex_);
  if (writing_) ::pthread_kill(*writing_, SIGUSR2);
}

}  // namespace srpd::kernel
