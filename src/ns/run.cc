#include "ns/run.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>

#include "ns/bus.h"

namespace srpd::ns {
namespace {

class Descriptor {
 public:
  explicit Descriptor(long fd) : fd_(static_cast<int>(fd)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

sigset_t set_of(std::initializer_list<int> numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  return set;
}

/// The child has no signal blocked or ignored because we have.
int spawn(const std::vector<std::string>& command, pid_t& child) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const sigset_t none = set_of({});
  const sigset_t usual = set_of({SIGINT, SIGQUIT, SIGPIPE});
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int rc =
      ::posix_spawnp(&child, arguments[0], nullptr, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  return rc;
}

void pass_on(int signals, pid_t child) {
  signalfd_siginfo arrived{};
  while (::read(signals, &arrived, sizeof arrived) == static_cast<ssize_t>(sizeof arrived))
    ::kill(child, static_cast<int>(arrived.ssi_signo));
}

int exit_status(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Until the child has ended.
void serve(Bus* bus, const Descriptor& ended, const Descriptor& signals, pid_t child) {
  for (;;) {
    if (bus != nullptr && !bus->serve()) bus = nullptr;
    pollfd sources[] = {{ended.get(), POLLIN, 0},
                        {signals.get(), POLLIN, 0},
                        {bus != nullptr ? bus->fd() : -1, POLLIN, 0}};
    ::poll(sources, 3, bus != nullptr ? bus->timeout_ms() : -1);
    if (sources[1].revents != 0) pass_on(signals.get(), child);
    if (sources[0].revents != 0) return;
  }
}

}  // namespace

Expected<int> run(const std::vector<std::string>& command, Bus* bus) {
  const sigset_t passed_on = set_of({SIGTERM, SIGHUP});
  ::sigprocmask(SIG_BLOCK, &passed_on, nullptr);
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGQUIT, SIG_IGN);
  const Descriptor signals(::signalfd(-1, &passed_on, SFD_CLOEXEC | SFD_NONBLOCK));
  pid_t child = 0;
  if (const int rc = spawn(command, child); rc != 0)
    return failure(command[0], errno_text(rc), rc == ENOENT ? "look for it in PATH" : "");
  const Descriptor ended(::syscall(SYS_pidfd_open, child, 0));
  serve(bus, ended, signals, child);
  return exit_status(child);
}

}  // namespace srpd::ns
