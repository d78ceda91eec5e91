#include <fcntl.h>
#include <infiniband/umad.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "transport/verbs/own_cm/mad_port.h"

namespace srpd::transport::verbs {
namespace {

namespace fs = std::filesystem;

constexpr const char* device_folder = "/sys/class/infiniband";
/// Q_Key of every QP1 (volume 1, 10.2.5).
constexpr std::uint32_t management_qkey = 0x80010000;

static_assert(sizeof(ib_mad_addr_t) <= std::tuple_size_v<ibcm::ReturnAddress>);

class UmadPort final : public MadPort {
 public:
  explicit UmadPort(int port) : port_(port) {}
  ~UmadPort() override { ::umad_close_port(port_); }

  Expected<void> begin(const PortName& name);
  int fd() const override { return ::umad_get_fd(port_); }
  Received receive(ibcm::Mad& mad, ibcm::ReturnAddress& from) override;
  void send(const ibcm::Mad& mad, const ibcm::ReturnAddress& to) override;

 private:
  struct Free {
    void operator()(void* allocated) const { ::umad_free(allocated); }
  };
  using Buffer = std::unique_ptr<void, Free>;
  static Buffer make_buffer() {
    return Buffer(::umad_alloc(1, ::umad_size() + std::tuple_size_v<ibcm::Mad>));
  }

  const int port_;
  int agent_ = -1;
  const Buffer in_ = make_buffer();
  const Buffer out_ = make_buffer();
};

Expected<void> UmadPort::begin(const PortName& name) {
  if (in_ == nullptr || out_ == nullptr) return failure(name.text(), "no memory");
  std::array<long, 16 / sizeof(long)> methods{};
  methods[0] = 1L << wire::cm::method_send;
  errno = 0;
  agent_ = ::umad_register(port_, wire::cm::management_class, wire::cm::class_version, 0,
                           methods.data());
  if (agent_ < 0 && (errno == EINVAL || errno == EBUSY))
    return failure(name.text(), "the kernel's connection manager, ib_cm, has this device",
                   "unload what uses it (modprobe -r rdma_ucm ib_ipoib ib_iser ib_srp), then "
                   "ib_cm; start srpd before it is loaded again; or listen at ib[:PORT]");
  if (agent_ < 0) return failure(name.text(), "no agent: " + errno_text(errno));
  const int flags = ::fcntl(fd(), F_GETFL);
  if (flags < 0 || ::fcntl(fd(), F_SETFL, flags | O_NONBLOCK) != 0)
    return failure(name.text(), errno_text(errno));
  return {};
}

MadPort::Received UmadPort::receive(ibcm::Mad& mad, ibcm::ReturnAddress& from) {
  while (true) {
    int length = static_cast<int>(mad.size());
    errno = 0;
    if (::umad_recv(port_, in_.get(), &length, 0) < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == ETIMEDOUT ? Received::nothing : Received::lost;
    }
    // With a status it is one of ours that did not leave; it is repeated anyway.
    if (::umad_status(in_.get()) != 0 || length != static_cast<int>(mad.size())) continue;
    std::memcpy(mad.data(), ::umad_get_mad(in_.get()), mad.size());
    from.fill({});
    std::memcpy(from.data(), ::umad_get_mad_addr(in_.get()), sizeof(ib_mad_addr_t));
    return Received::mad;
  }
}

void UmadPort::send(const ibcm::Mad& mad, const ibcm::ReturnAddress& to) {
  std::memset(out_.get(), 0, ::umad_size());
  auto* const address = ::umad_get_mad_addr(out_.get());
  std::memcpy(address, to.data(), sizeof(ib_mad_addr_t));
  address->qkey = htobe32(management_qkey);
  std::memcpy(::umad_get_mad(out_.get()), mad.data(), mad.size());
  // Neither time-out nor retries: the manager does both.
  static_cast<void>(::umad_send(port_, agent_, out_.get(), static_cast<int>(mad.size()), 0, 0));
}

class UmadPorts final : public MadPorts {
 public:
  std::vector<PortName> all() override { return infiniband_ports(device_folder); }
  Expected<std::unique_ptr<MadPort>> open(const PortName& name) override {
    errno = 0;
    const int id = ::umad_open_port(name.device.c_str(), name.number);
    if (id < 0 && (errno == EACCES || errno == EPERM))
      return failure(name.text(), "its file in /dev/infiniband may not be opened",
                     "run srpd as root, or give its group access with the udev rule of "
                     "docs/infiniband.md");
    if (id < 0)
      return failure(name.text(), "it has no file in /dev/infiniband",
                     "load the module ib_umad (modprobe ib_umad)");
    auto port = std::make_unique<UmadPort>(id);
    if (auto begun = port->begin(name); !begun) return tl::make_unexpected(begun.error());
    return port;
  }
};

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// Of sysfs, which does not give a number to two things.
std::uint64_t inode_of(const fs::path& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

std::vector<PortName> infiniband_ports(const std::string& devices) {
  std::vector<PortName> all;
  std::error_code gone;
  for (fs::directory_iterator device(devices, gone), end; !gone && device != end;
       device.increment(gone)) {
    std::error_code none;
    for (fs::directory_iterator port(device->path() / "ports", none); !none && port != end;
         port.increment(none)) {
      if (first_line(port->path() / "link_layer") != "InfiniBand") continue;
      const std::string text = port->path().filename();
      PortName name{device->path().filename(), 0, inode_of(device->path())};
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), name.number);
      if (parsed.ec == std::errc{}) all.push_back(std::move(name));
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::unique_ptr<MadPorts> make_umad_ports() { return std::make_unique<UmadPorts>(); }

}  // namespace srpd::transport::verbs
