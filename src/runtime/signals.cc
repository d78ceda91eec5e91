#include "runtime/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace srpd::runtime {
namespace {

sigset_t handled() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::sigaddset(&set, signal);
  return set;
}

}  // namespace

void block_signals() {
  const sigset_t set = handled();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

Expected<std::unique_ptr<Signals>> Signals::make(Loop& loop, Function on_signal) {
  const sigset_t set = handled();
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return failure("signals", errno_text(errno));
  std::unique_ptr<Signals> made(new Signals(loop, std::move(on_signal), fd));
  if (const int error = loop.watch(*made, fd); error != 0)
    return failure("signals", errno_text(-error));
  made->watched_ = true;
  return made;
}

Signals::~Signals() {
  if (watched_) loop_.unwatch(*this);
  ::close(fd_);
}

void Signals::on_ready(std::uint32_t) {
  signalfd_siginfo info{};
  while (::read(fd_, &info, sizeof info) == sizeof info)
    on_signal_(static_cast<int>(info.ssi_signo));
}

}  // namespace srpd::runtime
