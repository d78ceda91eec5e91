#include "transport/verbs/listener.h"

#include <infiniband/ib.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "transport/verbs/find_devices.h"
#include "transport/verbs/request.h"

namespace srpd::transport::verbs {
namespace {

// What passes by itself when a device, an address or a driver comes.
bool worth_waiting(int error_number) {
  return error_number == ENODEV || error_number == EADDRNOTAVAIL || error_number == ENOENT ||
         error_number == EPERM;
}

tl::unexpected<Error> listen_failure(const Address& address, int error_number) {
  const std::string object = "listen " + address.text();
  switch (error_number) {
    case EADDRINUSE:
      return failure(object, "address already in use",
                     "stop the other daemon (ib_srpt?) or choose another port with --listen");
    case EACCES:
      return failure(object, "permission denied",
                     "let this user open /dev/infiniband/rdma_cm, or choose a port above 1023");
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
      return failure(object, "the kernel does not take this kind of address",
                     "choose rdma:ADDR, or load ib_cm for native InfiniBand");
    default:
      return failure(object, errno_text(error_number));
  }
}

const char* what_is_missing(const Address& address) {
  return address.storage.ss_family == AF_IB
             ? "waiting for an InfiniBand port; check `rdma link`, modprobe rdma_ucm"
             : "waiting for an RDMA device with this address; check `rdma link` and `ip address`, "
               "modprobe rdma_ucm";
}

rdma_port_space port_space(const Address& address) {
  return address.storage.ss_family == AF_IB ? RDMA_PS_IB : RDMA_PS_TCP;
}

// An address that is new to a device is not known to the connection manager at once.
constexpr unsigned looks_after_change = 5;

// Only to be bound to: any port of the kernel's choice.
void set_any_port(Address& address) {
  auto& storage = address.storage;
  if (storage.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(storage).sin_port = 0;
  } else if (storage.ss_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(storage).sin6_port = 0;
  } else {
    reinterpret_cast<sockaddr_ib&>(storage).sib_sid_mask = 0;
  }
}

// The kernel's target takes connections, and the device management class, of every port it finds.
void warn_of_kernel_target() {
  if (::access("/sys/module/ib_srpt", F_OK) == 0)
    log::warning(
        "the kernel's own SRP target is loaded and competes for the same hosts; unload it "
        "(modprobe "
        "-r ib_srpt) and keep it away (blacklist ib_srpt in /etc/modprobe.d)");
}

}  // namespace

Expected<std::unique_ptr<Listener>> VerbsListener::open(std::shared_ptr<Shared> shared,
                                                        runtime::Loop& loop, const Address& address,
                                                        Handler& handler) {
  const int family = address.storage.ss_family;
  if (address.length == 0 || (family != AF_INET && family != AF_INET6 && family != AF_IB))
    return failure("listen " + address.text(), "not an address of RDMA/CM",
                   "write rdma:HOST[:PORT], rdma:* or ib[:PORT]");
  warn_of_kernel_target();
  prepare_memory_lock();
  std::unique_ptr<VerbsListener> made(new VerbsListener(std::move(shared), loop, address, handler));
  const int error_number = made->listen();
  if (error_number != 0) {
    if (!worth_waiting(error_number)) return listen_failure(address, error_number);
    made->wait(error_number);
  }
  return made;
}

VerbsListener::~VerbsListener() {
  loop_.cancel_timer(alarm_);
  loop_.cancel_timer(look_);
}

int VerbsListener::listen() {
  state_ = shared_->loops.of(loop_, shared_->devices);
  CmId id = state_->make_id(port_space(address_));
  if (id == nullptr) return errno;
  auto* const address = reinterpret_cast<sockaddr*>(&address_.storage);
  if (::rdma_bind_addr(id.get(), address) != 0 ||
      ::rdma_listen(id.get(), shared_->options.backlog) != 0)
    return errno;
  set_handler(*id, this);
  const bool rdma = address_.rdma;
  address_ = local_address(*id);
  address_.rdma = rdma;
  id_ = std::move(id);
  if (id_->verbs != nullptr) {
    guard(address_);
  } else {
    looks_ = looks_after_change;
    look_for_devices();
  }
  return 0;
}

void VerbsListener::wait(int error_number) {
  if (!waiting_)
    log::warning("listen {}: {}; {}", address_.text(), errno_text(error_number),
                 what_is_missing(address_));
  waiting_ = true;
  loop_.start_timer(alarm_, loop_.now() + shared_->options.retry_interval);
}

void VerbsListener::try_again() {
  const int error_number = listen();
  if (error_number != 0) return wait(error_number);
  waiting_ = false;
  log::info("listen {}: the address is there now", address_.text());
}

void VerbsListener::on_cm_event(const CmEvent& event) {
  if (event.type == RDMA_CM_EVENT_CONNECT_REQUEST) return admit(event);
  if (event.type != RDMA_CM_EVENT_DEVICE_REMOVAL) return;
  id_.reset();
  wait(ENODEV);
}

void VerbsListener::admit(const CmEvent& event) {
  auto device = shared_->devices.of(*event.id->verbs);
  if (!device) {
    log::error("{}", device.error().text());
    ::rdma_destroy_id(event.id);
    return;
  }
  if (!guarded(**device)) guard(local_address(*event.id));
  if (!guarded(**device))
    log::warning("{}: its removal will not be noticed while no host is logged in: {}",
                 (*device)->name(), errno_text(errno));
  handler_.on_request(std::make_unique<VerbsRequest>(shared_, state_, std::move(*device), event));
}

// Devices

// An IP listener on every address has no device of its own, and of those that come hears nothing.
void VerbsListener::look_for_devices() {
  if (id_ == nullptr) return;  // it starts anew
  Surroundings found = find_devices(address_.storage.ss_family);
  if (found.summary != surroundings_) {
    surroundings_ = std::move(found.summary);
    looks_ = looks_after_change;
  }
  if (looks_ > 0) {
    --looks_;
    for (const Address& address : found.addresses) guard(address);
  }
  loop_.start_timer(look_, loop_.now() + shared_->options.retry_interval);
}

bool VerbsListener::guarded(const Device& device) const {
  return std::any_of(guards_.begin(), guards_.end(),
                     [&](const auto& each) { return &each->device() == &device; });
}

// The device that has this address, if there is one.
void VerbsListener::guard(Address address) {
  set_any_port(address);
  CmId id = state_->make_id(port_space(address));
  if (id == nullptr ||
      ::rdma_bind_addr(id.get(), reinterpret_cast<sockaddr*>(&address.storage)) != 0 ||
      id->verbs == nullptr)
    return;
  auto device = shared_->devices.of(*id->verbs);
  if (!device) return log::error("{}", device.error().text());
  if (guarded(**device)) return;
  DeviceGuard::Owner& owner = *this;
  guards_.push_back(
      std::make_unique<DeviceGuard>(shared_, state_, std::move(id), std::move(*device), owner));
}

void VerbsListener::on_device_removed(DeviceGuard& guard) {
  std::erase_if(guards_, [&](const auto& each) { return each.get() == &guard; });
}

}  // namespace srpd::transport::verbs
