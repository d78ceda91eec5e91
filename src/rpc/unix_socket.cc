#include "rpc/unix_socket.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

namespace srpd::rpc {
namespace {

constexpr int backlog = 64;

Expected<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path))
    return failure(path, "a socket's path has 1 to 107 bytes", "choose a shorter one");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Expected<Descriptor> make_socket(const std::string& path) {
  Descriptor made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (made.get() < 0) return failure(path, "no socket can be made: " + errno_text(errno));
  return made;
}

Expected<void> make_directory_of(const std::string& path) {
  const auto directory = std::filesystem::path(path).parent_path();
  if (directory.empty()) return {};
  std::error_code error;
  // Whoever the socket lets in has to get there, whatever the umask is.
  if (std::filesystem::create_directories(directory, error))
    std::filesystem::permissions(directory, std::filesystem::perms(0755), error);
  if (error)
    return failure(directory.string(), "it cannot be made: " + error.message(),
                   "choose a directory that this user may write");
  return {};
}

/// What is left of a process that was killed.
Expected<void> remove_stale(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode))
    return failure(path, "something that is no socket is there", "choose another path");
  int number = 0;
  if (connect_to(path, number))
    return failure(path, "another srpd serves it", "stop that one, or choose another path");
  if (number != ECONNREFUSED)
    return failure(path, "a socket that cannot be tried is there: " + errno_text(number));
  ::unlink(path.c_str());
  return {};
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Expected<gid_t> find_group(const std::string& text) {
  gid_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  group found{};
  group* there = nullptr;
  std::array<char, 16384> memory{};
  const int rc = ::getgrnam_r(text.c_str(), &found, memory.data(), memory.size(), &there);
  if (there != nullptr) return found.gr_gid;
  return failure("group '" + text + "'", rc == 0 ? "there is no such group" : errno_text(rc),
                 "make it (groupadd), or name another one ('getent group' lists them)");
}

Expected<Descriptor> connect_to(const std::string& path, int& number) {
  const auto address = address_of(path);
  auto made = address ? make_socket(path) : tl::unexpected(address.error());
  number = EINVAL;
  if (!made) return made;
  if (::connect(made->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) == 0) {
    number = 0;
    return made;
  }
  number = errno;
  return failure(path, errno_text(number));
}

Expected<Descriptor> listen_at(const std::string& path, mode_t mode, std::optional<gid_t> group) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  if (auto made = make_directory_of(path); !made) return tl::unexpected(made.error());
  if (auto free = remove_stale(path); !free) return tl::unexpected(free.error());
  auto made = make_socket(path);
  if (!made) return made;
  // The mode of the descriptor is that of the socket's name when it is bound: nobody else can
  // connect before the group is set.
  if (::fchmod(made->get(), S_IRUSR | S_IWUSR) != 0 ||
      ::bind(made->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0)
    return failure(path, "the socket cannot be made there: " + errno_text(errno),
                   "choose a directory that this user may write");
  if ((group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) ||
      ::chmod(path.c_str(), mode) != 0 || ::listen(made->get(), backlog) != 0) {
    const int number = errno;
    ::unlink(path.c_str());
    return failure(path, "it cannot be set up: " + errno_text(number));
  }
  return made;
}

}  // namespace srpd::rpc
