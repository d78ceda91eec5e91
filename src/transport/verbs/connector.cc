#include "transport/verbs/connector.h"

#include <infiniband/ib.h>

#include <algorithm>
#include <cerrno>

#include "transport/verbs/rdma_endpoint.h"

namespace srpd::transport::verbs {
namespace {

constexpr const char* check_listener = "check that an SRP target over RDMA listens there";
constexpr const char* check_path = "check the address, the route and `rdma link` at both ends";

// Reasons of the InfiniBand connection manager (IBTA 12.6.7.2).
constexpr int invalid_service_id = 8;
constexpr int consumer_defined = 28;

// The field has a fixed size, and what was not written is zero.
bool says_nothing(std::span<const std::byte> data) {
  return std::all_of(data.begin(), data.end(), [](std::byte b) { return b == std::byte{}; });
}

}  // namespace

VerbsConnector::VerbsConnector(std::shared_ptr<Shared> shared, runtime::Loop& loop,
                               const ConnectOptions& options, Handler& handler)
    : ConnectorBase(loop, options, handler), shared_(std::move(shared)) {}

VerbsConnector::~VerbsConnector() { disengage(); }

void VerbsConnector::disengage() {
  phase_ = Phase::finished;
  cancel_deadline();
  channel_.reset();
  id_.reset();
}

void VerbsConnector::timed_out() {
  fail("timed out", phase_ == Phase::connecting ? check_listener : check_path);
}

int VerbsConnector::milliseconds_left() const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - loop_.now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 1));
}

void VerbsConnector::begin() {
  const int family = peer_.storage.ss_family;
  if (peer_.length == 0 || peer_.own_cm ||
      (family != AF_INET && family != AF_INET6 && family != AF_IB))
    return fail("not an address of RDMA/CM", "write HOST[:PORT]");
  prepare_memory_lock();
  state_ = shared_->loops.of(loop_, shared_->devices);
  if (auto opened = state_->open_events(); !opened)
    return fail(opened.error().cause, opened.error().remedy);
  id_ = state_->make_id(family == AF_IB ? RDMA_PS_IB : RDMA_PS_TCP);
  if (id_ == nullptr) return fail(errno_text(errno));
  set_handler(*id_, this);
  phase_ = Phase::resolving;
  start_deadline();
  Address from = source_.value_or(Address{});
  Address to = peer_;
  if (::rdma_resolve_addr(id_.get(), source_ ? reinterpret_cast<sockaddr*>(&from.storage) : nullptr,
                          reinterpret_cast<sockaddr*>(&to.storage), milliseconds_left()) != 0)
    fail("the address cannot be resolved: " + errno_text(errno), check_path);
}

void VerbsConnector::on_cm_event(const CmEvent& event) {
  switch (event.type) {
    case RDMA_CM_EVENT_ADDR_RESOLVED:
      return resolve_route();
    case RDMA_CM_EVENT_ROUTE_RESOLVED:
      return connect();
    case RDMA_CM_EVENT_ESTABLISHED:
      return established(event);
    case RDMA_CM_EVENT_REJECTED:
      return rejected(event);
    case RDMA_CM_EVENT_ADDR_ERROR:
    case RDMA_CM_EVENT_ROUTE_ERROR:
      return fail(describe(event), check_path);
    case RDMA_CM_EVENT_CONNECT_ERROR:
    case RDMA_CM_EVENT_UNREACHABLE:
    case RDMA_CM_EVENT_DISCONNECTED:
      return fail(describe(event), check_listener);
    case RDMA_CM_EVENT_DEVICE_REMOVAL:
      return fail(describe(event));
    default:
      return;
  }
}

void VerbsConnector::resolve_route() {
  phase_ = Phase::routing;
  if (::rdma_resolve_route(id_.get(), milliseconds_left()) != 0)
    fail("there is no route: " + errno_text(errno), check_path);
}

void VerbsConnector::connect() {
  phase_ = Phase::connecting;
  auto device = shared_->devices.of(*id_->verbs);
  if (!device) return fail(device.error().text());
  auto channel =
      VerbsChannel::make({shared_, state_, std::make_unique<RdmaEndpoint>(std::move(id_)),
                          std::move(*device), parameters_});
  if (!channel) return fail(channel.error().text());
  channel_ = std::move(*channel);
  channel_->send_events_to(*this);
  if (auto asked = channel_->connect(private_data_); !asked) fail(asked.error().cause, check_path);
}

void VerbsConnector::established(const CmEvent& event) {
  auto channel = std::move(channel_);
  channel->established(event.parameters);
  disengage();
  handler_.on_connected(std::move(channel), event.private_data());
}

void VerbsConnector::rejected(const CmEvent& event) {
  const bool refused = event.status == invalid_service_id || event.status == -ECONNREFUSED;
  const bool answered =
      !says_nothing(event.private_data()) && (event.status == consumer_defined || event.status < 0);
  if (answered) {
    disengage();
    return handler_.on_rejected(event.private_data());
  }
  if (refused) return fail("connection refused", check_listener);
  fail("rejected without an answer (status " + std::to_string(event.status) + ")",
       "see the peer's log for the reason; " + std::string(check_listener));
}

// The last statement of whoever calls it: the handler may destroy *this.
void VerbsConnector::fail(std::string cause, std::string remedy) {
  disengage();
  report_failure(std::move(cause), std::move(remedy));
}

}  // namespace srpd::transport::verbs
