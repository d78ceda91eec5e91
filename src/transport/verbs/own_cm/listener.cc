#include "transport/verbs/own_cm/listener.h"

#include <infiniband/ib.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "transport/verbs/own_cm/request.h"

namespace srpd::transport::verbs {
namespace {

std::uint64_t service_of(const Address& address) {
  return be64toh(reinterpret_cast<const sockaddr_ib&>(address.storage).sib_sid);
}

// Of the adapter, in the kernel's words "0002:c903:000e:8acc".
std::uint64_t guid_of(const std::string& device) {
  int count = 0;
  ibv_device** const list = ::ibv_get_device_list(&count);
  std::uint64_t guid = 0;
  for (int i = 0; list != nullptr && i < count; ++i) {
    if (device == ::ibv_get_device_name(list[i])) guid = be64toh(::ibv_get_device_guid(list[i]));
  }
  if (list != nullptr) ::ibv_free_device_list(list);
  return guid;
}

}  // namespace

OwnListener::OwnListener(std::shared_ptr<Shared> shared, runtime::Loop& loop,
                         const Address& address, Handler& handler, MadPorts& ports)
    : shared_(std::move(shared)),
      loop_(loop),
      address_(address),
      service_(service_of(address)),
      handler_(handler),
      ports_(ports) {
  look();
}

OwnListener::~OwnListener() {
  loop_.cancel_timer(timer_);
  for (const auto& [name, agent] : agents_) agent->remove(service_);
}

void OwnListener::look() {
  auto there = ports_.all();
  if (!address_.device.empty())
    std::erase_if(there, [&](const PortName& port) { return port.device != address_.device; });
  if (there.empty() && !told_none_)
    log::warning("listen {}: waiting for an InfiniBand port; check `rdma link`", address_.text());
  told_none_ = there.empty();
  const auto gone = [&](const auto& each) {
    return std::find(there.begin(), there.end(), each.first) == there.end();
  };
  std::erase_if(complaints_, gone);
  for (const PortName& port : there) {
    if (!agents_.contains(port)) open(port);
  }
  loop_.start_timer(timer_, loop_.now() + shared_->options.retry_interval);
}

// Listeners at several service IDs share the agent of a port.
void OwnListener::open(const PortName& port) {
  auto& known = shared_->agents[port];
  auto agent = known.lock();
  if (agent == nullptr) {
    auto opened = Agent::open(loop_, ports_, port, guid_of(port.device));
    if (!opened) {
      const std::string complaint = opened.error().text();
      if (std::exchange(complaints_[port], complaint) != complaint)
        log::warning("listen {}: {}", address_.text(), complaint);
      return;
    }
    known = agent = std::move(*opened);
  }
  agent->add(service_, *this);
  complaints_.erase(port);
  log::info("{}: takes logins at service ID {:016x}", port.text(), service_);
  agents_.emplace(port, std::move(agent));
}

void OwnListener::on_request(Agent& agent, ibcm::Handle handle, const ibcm::Request& request) {
  auto context = agent.context();
  if (context == nullptr) {
    log::error("{}: cannot be opened: {}", agent.name().text(), errno_text(errno));
    return agent.reject(handle, ibcm::Reason::no_resources, {});
  }
  auto device = shared_->devices.of(*context);
  if (!device) {
    log::error("{}", device.error().text());
    return agent.reject(handle, ibcm::Reason::no_resources, {});
  }
  handler_.on_request(std::make_unique<OwnRequest>(shared_, agent.shared_from_this(), loop_,
                                                   std::move(context), std::move(*device), handle,
                                                   request));
}

void OwnListener::on_lost(Agent& agent) {
  const PortName name = agent.name();
  agents_.erase(name);
  shared_->agents.erase(name);
}

}  // namespace srpd::transport::verbs
