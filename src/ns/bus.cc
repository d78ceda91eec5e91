#include "ns/bus.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <fstream>
#include <string_view>
#include <vector>

#include "ns/handlers.h"

namespace srpd::ns {
namespace {

constexpr const char* service = "org.kernel.TCMUService1";
constexpr const char* object = "/org/kernel/TCMUService1";
constexpr const char* remedy = "install the package dbus-daemon";

// Everything may be said on it: only who can reach the socket is there.
constexpr const char* configuration = R"(<busconfig>
  <listen>unix:path={}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
)";

int get_description(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply,
                    void* context, sd_bus_error*) {
  return sd_bus_message_append(reply, "s", static_cast<const Handler*>(context)->description);
}

int on_check_config(sd_bus_message* call, void*, sd_bus_error*) {
  const char* config = nullptr;
  if (const int rc = sd_bus_message_read(call, "s", &config); rc < 0) return rc;
  const auto good = check_config(config);
  return sd_bus_reply_method_return(call, "bs", good ? 1 : 0,
                                    good ? "" : good.error().cause.c_str());
}

int on_change_medium(sd_bus_message* call, void*, sd_bus_error*) {
  return sd_bus_reply_method_return(call, "is", -EOPNOTSUPP,
                                    "these disks have no medium that can be changed");
}

const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("ConfigDesc", "s", get_description, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_METHOD("CheckConfig", "s", "bs", on_check_config, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ChangeMedium", "sts", "is", on_change_medium, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

/// In the child: becomes dbus-daemon, which writes its address to `address_fd`.
[[noreturn]] void become_daemon(const std::string& config, const std::string& log, int address_fd,
                                pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  ::setpgid(0, 0);  // the terminal's signals are not for it
  ::fcntl(address_fd, F_SETFD, 0);
  // It talks of limits that it cannot raise; what it says counts only when it does not start.
  const int log_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (log_fd >= 0) ::dup2(log_fd, STDERR_FILENO);
  const std::string config_option = "--config-file=" + config;
  const std::string address_option = "--print-address=" + std::to_string(address_fd);
  ::execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", "--nosyslog",
           config_option.c_str(), address_option.c_str(), static_cast<char*>(nullptr));
  constexpr std::string_view missing = "it is not in PATH";
  static_cast<void>(::write(STDERR_FILENO, missing.data(), missing.size()) < 0);
  ::_exit(127);
}

/// What it said last, as a cause.
std::string last_line(const std::string& log) {
  std::ifstream file(log);
  std::string line, last = "it does not start";
  while (std::getline(file, line))
    if (!line.empty()) last = line;
  return last;
}

/// Until the daemon is ready, or ends.
std::string read_line(int fd) {
  std::string line;
  char next = 0;
  for (;;) {
    const ssize_t rc = ::read(fd, &next, 1);
    if (rc < 0 && errno == EINTR) continue;
    if (rc <= 0 || next == '\n') return line;
    line += next;
  }
}

std::uint64_t now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

Expected<std::unique_ptr<Bus>> Bus::start(const std::string& directory) {
  std::unique_ptr<Bus> bus(new Bus);
  if (auto launched = bus->launch(directory); !launched) return tl::unexpected(launched.error());
  if (auto offered = bus->offer(); !offered) return tl::unexpected(offered.error());
  return bus;
}

Bus::~Bus() {
  sd_bus_flush_close_unref(bus_);
  if (daemon_ <= 0) return;
  ::kill(daemon_, SIGTERM);
  while (::waitpid(daemon_, nullptr, 0) < 0 && errno == EINTR) continue;
}

Expected<void> Bus::launch(const std::string& directory) {
  const std::string config = directory + "/bus.conf";
  std::ofstream file(config);
  file << fmt::format(fmt::runtime(configuration), directory);
  file.close();
  if (!file) return failure(config, "it cannot be written", "free some space");
  const std::string log = directory + "/bus.log";
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    return failure("dbus-daemon", errno_text(errno), "raise the limit of open files");
  const pid_t parent = ::getpid();
  daemon_ = ::fork();
  if (daemon_ == 0) become_daemon(config, log, pipe[1], parent);
  ::close(pipe[1]);
  address_ = daemon_ > 0 ? read_line(pipe[0]) : std::string();
  ::close(pipe[0]);
  if (address_.empty()) return failure("dbus-daemon", last_line(log), remedy);
  return {};
}

Expected<void> Bus::offer() {
  int rc = sd_bus_new(&bus_);
  if (rc >= 0) rc = sd_bus_set_address(bus_, address_.c_str());
  if (rc >= 0) rc = sd_bus_set_bus_client(bus_, 1);
  if (rc >= 0) rc = sd_bus_start(bus_);
  if (rc >= 0) rc = sd_bus_add_object_manager(bus_, nullptr, object);
  for (const Handler& handler : handlers()) {
    if (rc < 0) break;
    const std::string path = fmt::format("{}/{}", object, handler.name);
    rc = sd_bus_add_object_vtable(bus_, nullptr, path.c_str(), service, vtable,
                                  const_cast<Handler*>(&handler));
  }
  if (rc >= 0) rc = sd_bus_request_name(bus_, service, 0);
  if (rc < 0) return failure(service, errno_text(-rc), remedy);
  return {};
}

int Bus::fd() const { return sd_bus_get_fd(bus_); }

int Bus::timeout_ms() const {
  std::uint64_t deadline = UINT64_MAX;
  if (sd_bus_get_timeout(bus_, &deadline) < 0 || deadline == UINT64_MAX) return -1;
  const std::uint64_t now = now_us();
  if (deadline <= now) return 0;
  return static_cast<int>(std::min<std::uint64_t>((deadline - now) / 1000 + 1, INT_MAX));
}

bool Bus::serve() {
  int rc = 0;
  do {
    rc = sd_bus_process(bus_, nullptr);
  } while (rc > 0);
  return rc >= 0;
}

}  // namespace srpd::ns
