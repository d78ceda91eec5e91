#include "transport/verbs/own_cm/agent.h"

#include <cerrno>
#include <random>
#include <utility>

#include "base/log.h"

namespace srpd::transport::verbs {
namespace {

// Something to be done on another loop.
struct Errand : runtime::Mail {
  explicit Errand(std::function<void()> what)
      : Mail([](Mail& self) {
          const std::unique_ptr<Errand> errand(&static_cast<Errand&>(self));
          errand->run();
        }),
        run(std::move(what)) {}
  const std::function<void()> run;
};

rdma_cm_event_type event_of(ibcm::End end) {
  switch (end) {
    case ibcm::End::rejected:
      return RDMA_CM_EVENT_REJECTED;
    case ibcm::End::unreachable:
      return RDMA_CM_EVENT_UNREACHABLE;
    case ibcm::End::lost:
      return RDMA_CM_EVENT_DEVICE_REMOVAL;
    case ibcm::End::disconnected:
    case ibcm::End::stale:
      break;
  }
  return RDMA_CM_EVENT_DISCONNECTED;
}

}  // namespace

Expected<std::shared_ptr<Agent>> Agent::open(runtime::Loop& loop, MadPorts& ports,
                                             const PortName& name, std::uint64_t ca_guid) {
  auto port = ports.open(name);
  if (!port) return tl::unexpected<Error>(port.error());
  const ibcm::Manager::Options options{.ca_guid = ca_guid, .first_id = std::random_device{}()};
  std::shared_ptr<Agent> made(new Agent(loop, name, std::move(*port), options), &let_go);
  if (const int rc = loop.watch(*made, made->port_->fd()); rc != 0)
    return failure(name.text(), "cannot watch its file: " + errno_text(-rc));
  return made;
}

Agent::Agent(runtime::Loop& loop, PortName name, std::unique_ptr<MadPort> port,
             const ibcm::Manager::Options& options)
    : loop_(loop), name_(std::move(name)), port_(std::move(port)), manager_(*this, options) {}

Agent::~Agent() {
  loop_.cancel_timer(timer_);
  if (port_ != nullptr) loop_.unwatch(*this);
}

void Agent::let_go(Agent* agent) {
  if (agent->loop_.is_current()) {
    delete agent;
  } else {
    agent->loop_.post(*new Errand([agent] { delete agent; }));
  }
}

std::shared_ptr<ibv_context> Agent::context() {
  if (auto open = context_.lock()) return open;
  int count = 0;
  ibv_device** const list = ::ibv_get_device_list(&count);
  if (list == nullptr) return nullptr;
  std::shared_ptr<ibv_context> opened;
  for (int i = 0; i < count; ++i) {
    if (name_.device != ::ibv_get_device_name(list[i])) continue;
    if (ibv_context* const context = ::ibv_open_device(list[i]))
      opened.reset(context, [](ibv_context* each) { ::ibv_close_device(each); });
  }
  const int why = errno;
  ::ibv_free_device_list(list);
  errno = why != 0 ? why : ENODEV;
  context_ = opened;
  return opened;
}

void Agent::add(std::uint64_t id, Service& service) {
  services_[id] = &service;
  manager_.listen(id);
}

void Agent::remove(std::uint64_t id) {
  services_.erase(id);
  manager_.unlisten(id);
}

void Agent::route(ibcm::Handle handle, runtime::Loop& to, std::shared_ptr<EventSink> sink) {
  const auto known = routes_.find(handle);
  if (known == routes_.end()) return tell({&to, std::move(sink)}, RDMA_CM_EVENT_DISCONNECTED);
  known->second = {&to, std::move(sink)};
}

void Agent::reject(ibcm::Handle handle, ibcm::Reason reason,
                   std::span<const std::byte> private_data) {
  manager_.reject(handle, reason, private_data);
  routes_.erase(handle);
  start_timer();
}

// From other loops

void Agent::later(std::function<void(Agent&)> what) {
  loop_.post(*new Errand([self = shared_from_this(), what = std::move(what)] {
    what(*self);
    self->start_timer();
  }));
}

void Agent::accept(ibcm::Handle handle, const ibcm::Answer& answer,
                   std::vector<std::byte> private_data, runtime::Loop& home,
                   std::shared_ptr<EventSink> sink) {
  later([handle, answer, private_data = std::move(private_data), to = &home,
         sink = std::move(sink)](Agent& self) {
    self.route(handle, *to, sink);
    ibcm::Answer whole = answer;
    whole.private_data = private_data;
    self.manager_.accept(handle, whole, self.loop_.now());
  });
}

void Agent::data_arrived(ibcm::Handle handle) {
  later([handle](Agent& self) { self.manager_.data_arrived(handle); });
}

void Agent::disconnect(ibcm::Handle handle) {
  later([handle](Agent& self) {
    self.manager_.disconnect(handle, self.loop_.now());
    self.routes_.erase(handle);
  });
}

// Events

void Agent::tell(const Route& route, rdma_cm_event_type what) {
  route.loop->post(*new Errand([sink = route.sink, what] {
    if (sink->handler == nullptr) return;
    CmEvent event;
    event.type = what;
    sink->handler->on_cm_event(event);
  }));
}

void Agent::on_request(ibcm::Handle handle, const ibcm::Request& request) {
  const auto service = services_.find(request.service);
  if (service == services_.end())
    return manager_.reject(handle, ibcm::Reason::invalid_service_id, {});
  routes_[handle] = {&loop_, std::make_shared<EventSink>()};
  service->second->on_request(*this, handle, request);
}

void Agent::on_established(ibcm::Handle handle) {
  const auto route = routes_.find(handle);
  if (route != routes_.end()) tell(route->second, RDMA_CM_EVENT_ESTABLISHED);
}

void Agent::on_end(ibcm::Handle handle, ibcm::End end) {
  const auto route = routes_.find(handle);
  if (route == routes_.end()) return;
  tell(route->second, event_of(end));
  routes_.erase(route);
}

// MADs and time

void Agent::on_ready(std::uint32_t) {
  const auto self = shared_from_this();
  ibcm::Mad mad;
  ibcm::ReturnAddress from;
  while (port_ != nullptr) {
    const auto received = port_->receive(mad, from);
    if (received == MadPort::Received::nothing) break;
    if (received == MadPort::Received::lost) return lose();
    manager_.receive(mad, from, loop_.now());
  }
  start_timer();
}

void Agent::send(const ibcm::Mad& mad, const ibcm::ReturnAddress& to) {
  if (port_ != nullptr) port_->send(mad, to);
}

void Agent::lose() {
  log::warning("{}: the port has gone; its sessions end", name_.text());
  loop_.unwatch(*this);
  port_.reset();
  manager_.lose();
  loop_.cancel_timer(timer_);
  const auto services = services_;
  for (const auto& [id, service] : services) service->on_lost(*this);
}

void Agent::expire() {
  const auto self = shared_from_this();
  manager_.expire(loop_.now());
  start_timer();
}

void Agent::start_timer() {
  loop_.cancel_timer(timer_);
  if (const auto due = manager_.deadline(); due && port_ != nullptr)
    loop_.start_timer(timer_, *due);
}

}  // namespace srpd::transport::verbs
