#include "kernel/uevents.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace srpd::kernel {
namespace {

constexpr std::uint32_t kernel_group = 1;  // the other group is udev's

}  // namespace

bool concerns_sessions(std::string_view uevent) {
  const std::string_view head = uevent.substr(0, uevent.find('\0'));
  if (!head.starts_with("add@") && !head.starts_with("remove@")) return false;
  return head.find("/scsi_host/") != std::string_view::npos ||
         head.find("/infiniband_srp/") != std::string_view::npos;
}

Expected<std::unique_ptr<Uevents>> Uevents::make(runtime::Loop& loop,
                                                 std::function<void()> on_change) {
  const int fd =
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
  if (fd < 0) return failure("uevents", errno_text(errno));
  std::unique_ptr<Uevents> made(new Uevents(loop, std::move(on_change), fd));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kernel_group;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failure("uevents", errno_text(errno));
  if (const int rc = loop.watch(*made, fd); rc < 0) return failure("uevents", errno_text(-rc));
  made->watched_ = true;
  return made;
}

Uevents::~Uevents() {
  if (watched_) loop_.unwatch(*this);
  ::close(fd_);
}

void Uevents::on_ready(std::uint32_t) {
  std::array<char, 8192> event;
  bool changed = false;
  while (true) {
    const ssize_t size = ::recv(fd_, event.data(), event.size(), 0);
    // Events that were lost may have been about sessions.
    if (size < 0 && errno == ENOBUFS) changed = true;
    if (size < 0 && (errno == ENOBUFS || errno == EINTR)) continue;
    if (size <= 0) break;
    changed |= concerns_sessions({event.data(), static_cast<std::size_t>(size)});
  }
  if (changed) on_change_();
}

}  // namespace srpd::kernel
