#include "dm/umad_fabric.h"

#include <infiniband/umad.h>
#include <infiniband/umad_types.h>
#include <infiniband/verbs.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <utility>

#include "dm/trap.h"
#include "wire/mad.h"

namespace srpd::dm {
namespace {

/// Q_Key of every QP1 (volume 1, 10.2.5).
constexpr std::uint32_t management_qkey = 0x80010000;
constexpr int device_management_class = wire::mad::device_management_class;
/// contrib/dm_cap: writing "DEVICE:PORT" makes the port's own driver announce a change.
constexpr const char* announce_file = "/sys/module/dm_cap/parameters/announce";

/// libibumad wants a bit for each method below 128.
using MethodMask = std::array<long, 16 / sizeof(long)>;

struct Buffer {
  struct Free {
    void operator()(void* allocated) const { ::umad_free(allocated); }
  };
  std::unique_ptr<void, Free> memory{::umad_alloc(1, ::umad_size() + wire::mad::size)};

  std::byte* mad() { return static_cast<std::byte*>(::umad_get_mad(memory.get())); }
};

class UmadLink final : public Link {
 public:
  explicit UmadLink(int port) : port_(port) {}
  ~UmadLink() override { ::umad_close_port(port_); }

  Expected<void> register_class(const Port& port);
  int fd() const override { return ::umad_get_fd(port_); }
  Received receive(discovery::Mad& mad) override;
  Expected<void> reply(const discovery::Mad& mad) override;
  Expected<void> announce(const Port& port) override;

 private:
  bool send_trap(const Port& port);

  int port_;
  int agent_ = -1;
  int trap_agent_ = -1;
  std::uint16_t traps_sent_ = 0;
  Buffer buffer_;  // keeps the address of the sender for reply()
};

bool ib_srpt_loaded() {
  struct stat status{};
  return ::stat("/sys/module/ib_srpt", &status) == 0;
}

Expected<void> UmadLink::register_class(const Port& port) {
  MethodMask methods{};
  methods[0] = 1L << static_cast<int>(wire::mad::Method::get) |
               1L << static_cast<int>(wire::mad::Method::set);
  errno = 0;
  agent_ = ::umad_register(port_, device_management_class, wire::mad::device_management_version, 0,
                           methods.data());
  if (agent_ >= 0) return {};
  if (errno != EINVAL && errno != EBUSY)
    return failure(port.text(), "no Device Management agent: " + errno_text(errno));
  return failure(port.text(), "another agent answers hosts there already",
                 ib_srpt_loaded() ? "ib_srpt is loaded: unload it (rmmod ib_srpt) and keep it from "
                                    "loading (echo blacklist ib_srpt > /etc/modprobe.d/srpd.conf)"
                                  : "is ib_srpt loaded, or another srpd running? End it");
}

Link::Received UmadLink::receive(discovery::Mad& mad) {
  int length = static_cast<int>(mad.size());
  errno = 0;
  if (::umad_recv(port_, buffer_.memory.get(), &length, 1) < 0)
    return errno == EINTR || errno == EAGAIN || errno == ETIMEDOUT ? Received::nothing
                                                                   : Received::lost;
  // A status: what we sent ourselves comes back, because it got no answer.
  if (::umad_status(buffer_.memory.get()) != 0 || length != static_cast<int>(mad.size()))
    return Received::nothing;
  std::memcpy(mad.data(), buffer_.mad(), mad.size());
  return Received::mad;
}

Expected<void> UmadLink::reply(const discovery::Mad& mad) {
  // The address of the sender, as it came with the request, is the one to answer to.
  ::umad_get_mad_addr(buffer_.memory.get())->qkey = htobe32(management_qkey);
  std::memcpy(buffer_.mad(), mad.data(), mad.size());
  errno = 0;
  if (::umad_send(port_, agent_, buffer_.memory.get(), static_cast<int>(mad.size()), 0, 0) < 0)
    return failure("Device Management", "an answer cannot be sent: " + errno_text(errno));
  return {};
}

bool UmadLink::send_trap(const Port& port) {
  if (trap_agent_ < 0)
    trap_agent_ = ::umad_register(port_, UMAD_CLASS_SUBN_LID_ROUTED, 1, 0, nullptr);
  if (trap_agent_ < 0 || port.sm_lid == 0) return false;
  const discovery::Mad trap = local_change_trap(port.lid, port.capability_mask, traps_sent_);
  Buffer out;
  std::memcpy(out.mad(), trap.data(), trap.size());
  ::umad_set_addr(out.memory.get(), port.sm_lid, 0, 0, 0);
  if (::umad_send(port_, trap_agent_, out.memory.get(), static_cast<int>(trap.size()), 0, 0) < 0)
    return false;
  ++traps_sent_;
  return true;
}

Expected<void> UmadLink::announce(const Port& port) {
  if (send_trap(port)) return {};
  std::ofstream file(announce_file);
  if (file << port.device << ':' << port.number << std::flush) return {};
  return failure(port.text(), "the subnet manager cannot be told of a change",
                 "run srpd as root, or load the module of contrib/dm_cap");
}

Port port_from(const umad_port_t& in) {
  Port port;
  port.device = in.ca_name;
  port.number = in.portnum;
  port.lid = static_cast<std::uint16_t>(in.base_lid);
  port.sm_lid = static_cast<std::uint16_t>(in.sm_lid);
  std::memcpy(port.gid.data(), &in.gid_prefix, 8);
  std::memcpy(port.gid.data() + 8, &in.port_guid, 8);
  if (in.pkeys_size > 0 && in.pkeys[0] != 0) port.pkey = in.pkeys[0];
  port.capability_mask = be32toh(in.capmask);
  return port;
}

/// RoCE and iWARP have no subnet management. "IB": older kernels do not say.
bool is_infiniband(const umad_port_t& port) {
  return std::strncmp(port.link_layer, "InfiniBand", 10) == 0 ||
         std::strcmp(port.link_layer, "IB") == 0;
}

class UmadFabric final : public Fabric {
 public:
  std::vector<Port> ports() override;
  Expected<std::unique_ptr<Link>> open(const Port& port) override;
  discovery::Hardware hardware(const std::string& device) override;

 private:
  using Clock = std::chrono::steady_clock;

  std::vector<std::string> devices_;  // when ports_ were read
  std::vector<Port> ports_;
  Clock::time_point stale_{};
};

/// Reading a port takes a file for each of its attributes and P_Keys, a hundred and more: now and
/// then, and when devices come or go.
constexpr auto ports_keep = std::chrono::seconds(3);

std::vector<std::string> device_names() {
  static constexpr int max_devices = 64;
  char names[max_devices][UMAD_CA_NAME_LEN];
  const int count = ::umad_get_cas_names(names, max_devices);
  return {names, names + std::max(count, 0)};
}

std::vector<Port> read_ports(const std::vector<std::string>& devices) {
  std::vector<Port> ports;
  for (const std::string& device : devices) {
    umad_ca_t ca;
    if (::umad_get_ca(device.c_str(), &ca) < 0) continue;  // gone meanwhile
    for (const umad_port_t* const port : ca.ports) {
      if (port != nullptr && is_infiniband(*port)) ports.push_back(port_from(*port));
    }
    ::umad_release_ca(&ca);
  }
  return ports;
}

std::vector<Port> UmadFabric::ports() {
  std::vector<std::string> devices = device_names();
  if (devices != devices_ || Clock::now() >= stale_) {
    ports_ = read_ports(devices);
    devices_ = std::move(devices);
    stale_ = Clock::now() + ports_keep;
  }
  return ports_;
}

Expected<std::unique_ptr<Link>> UmadFabric::open(const Port& port) {
  errno = 0;
  const int id = ::umad_open_port(port.device.c_str(), port.number);
  if (id < 0 && (errno == EACCES || errno == EPERM))
    return failure(port.text(),
                   "its file in /dev/infiniband may not be opened, so no host finds "
                   "this target by asking",
                   "run srpd as root, or give its group access with a udev rule: "
                   "SUBSYSTEM==\"infiniband_mad\", KERNEL==\"umad*\", GROUP=\"srpd\", "
                   "MODE=\"0660\"");
  if (id < 0)
    return failure(port.text(), "it has no file in /dev/infiniband",
                   "load the module ib_umad (modprobe ib_umad)");
  auto link = std::make_unique<UmadLink>(id);
  if (auto registered = link->register_class(port); !registered)
    return tl::make_unexpected(registered.error());
  return link;
}

/// What ib_srpt puts into its profile: the adapter's own identifiers.
discovery::Hardware UmadFabric::hardware(const std::string& device) {
  int count = 0;
  ibv_device** const list = ::ibv_get_device_list(&count);
  discovery::Hardware hardware;
  for (int i = 0; list != nullptr && i < count; ++i) {
    if (device != ::ibv_get_device_name(list[i])) continue;
    ibv_context* const context = ::ibv_open_device(list[i]);
    ibv_device_attr attributes{};
    if (context != nullptr && ::ibv_query_device(context, &attributes) == 0)
      hardware = {attributes.vendor_id, attributes.vendor_part_id,
                  static_cast<std::uint16_t>(attributes.hw_ver)};
    if (context != nullptr) ::ibv_close_device(context);
  }
  if (list != nullptr) ::ibv_free_device_list(list);
  return hardware;
}

}  // namespace

std::unique_ptr<Fabric> make_umad_fabric() { return std::make_unique<UmadFabric>(); }

}  // namespace srpd::dm
