#include "peer.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace srpd::test {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds answer_limit{60'000};
constexpr int resolve_ms = 10'000;

struct FreeAddress {
  void operator()(addrinfo* info) const { ::freeaddrinfo(info); }
};
using AddressInfo = std::unique_ptr<addrinfo, FreeAddress>;

AddressInfo look_up(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.empty() ? nullptr : port.c_str(), &hints, &found) != 0)
    throw Failure("address '" + host + "' port '" + port + "'", EINVAL);
  return AddressInfo(found);
}

void check(int result, const char* what) {
  if (result != 0) throw Failure(what, errno);
}

template <class T>
T* check(T* made, const char* what) {
  if (made == nullptr) throw Failure(what, errno);
  return made;
}

}  // namespace

Failure::Failure(const std::string& what, int error)
    : std::runtime_error(what + ": " + std::strerror(error)) {}

Peer::Peer(const Endpoint& endpoint, std::uint32_t commands)
    : commands_(commands), responder_resources_(endpoint.responder_resources) {
  events_ = check(::rdma_create_event_channel(), "event channel");
  check(::rdma_create_id(events_, &id_, nullptr, RDMA_PS_TCP), "rdma_create_id");
  resolve(endpoint);
  pd_ = check(::ibv_alloc_pd(id_->verbs), "protection domain");
  cq_ =
      check(::ibv_create_cq(id_->verbs, static_cast<int>(2 * commands_ + 16), nullptr, nullptr, 0),
            "completion queue");
}

Peer::~Peer() {
  if (id_ != nullptr && id_->qp != nullptr) ::rdma_destroy_qp(id_);
  if (own_qp_ != nullptr) ::ibv_destroy_qp(own_qp_);
  for (const Region& region : regions_)
    if (region.mr != nullptr) ::ibv_dereg_mr(region.mr);
  if (cq_ != nullptr) ::ibv_destroy_cq(cq_);
  if (pd_ != nullptr) ::ibv_dealloc_pd(pd_);
  if (id_ != nullptr) ::rdma_destroy_id(id_);
  if (events_ != nullptr) ::rdma_destroy_event_channel(events_);
}

void Peer::resolve(const Endpoint& endpoint) {
  const std::size_t colon = endpoint.address.rfind(':');
  if (colon == std::string::npos) throw Failure("no port in " + endpoint.address, EINVAL);
  std::string host = endpoint.address.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const AddressInfo to = look_up(host, endpoint.address.substr(colon + 1));
  const AddressInfo from = endpoint.source.empty() ? nullptr : look_up(endpoint.source, "");
  check(::rdma_resolve_addr(id_, from ? from->ai_addr : nullptr, to->ai_addr, resolve_ms),
        "rdma_resolve_addr");
  expect(RDMA_CM_EVENT_ADDR_RESOLVED);
  check(::rdma_resolve_route(id_, resolve_ms), "rdma_resolve_route");
  expect(RDMA_CM_EVENT_ROUTE_RESOLVED);
}

void Peer::request(std::span<const std::byte> private_data, bool complete_by_hand) {
  ibv_qp_init_attr attributes{};
  attributes.send_cq = attributes.recv_cq = cq_;
  attributes.qp_type = IBV_QPT_RC;
  attributes.cap.max_send_wr = attributes.cap.max_recv_wr = commands_ + 4;
  attributes.cap.max_send_sge = attributes.cap.max_recv_sge = 1;
  rdma_conn_param parameters{};
  if (complete_by_hand) {
    own_qp_ = check(::ibv_create_qp(pd_, &attributes), "queue pair");
    parameters.qp_num = own_qp_->qp_num;
  } else {
    check(::rdma_create_qp(id_, pd_, &attributes), "queue pair");
    post_receives();
  }
  parameters.private_data = private_data.data();
  parameters.private_data_len = static_cast<std::uint8_t>(private_data.size());
  parameters.responder_resources = responder_resources_;
  parameters.retry_count = 4;  // 7 makes rxe repeat for ever
  parameters.rnr_retry_count = 7;
  check(::rdma_connect(id_, &parameters), "rdma_connect");
}

Outcome Peer::outcome() {
  Outcome outcome;
  const auto event = next_event(answer_limit, &outcome);
  if (!event) throw Failure("answer to the connection request", ETIMEDOUT);
  switch (*event) {
    case RDMA_CM_EVENT_ESTABLISHED:
      outcome.kind = Outcome::Kind::accepted;
      break;
    case RDMA_CM_EVENT_REJECTED:
      outcome.kind = Outcome::Kind::rejected;
      break;
    case RDMA_CM_EVENT_UNREACHABLE:
    case RDMA_CM_EVENT_CONNECT_ERROR:
      outcome.kind = Outcome::Kind::unreachable;
      break;
    default:
      throw Failure(std::string("event ") + ::rdma_event_str(*event), EPROTO);
  }
  return outcome;
}

void Peer::wait_for_answer() { expect(RDMA_CM_EVENT_CONNECT_RESPONSE); }

void Peer::post_receives() {
  const Region& region = add_region(commands_ * iu_size, IBV_ACCESS_LOCAL_WRITE);
  received_ = region.memory.get();
  for (std::uint32_t i = 0; i < commands_; ++i) {
    ibv_sge piece{.addr = reinterpret_cast<std::uintptr_t>(region.memory.get()) + i * iu_size,
                  .length = iu_size,
                  .lkey = region.mr->lkey};
    ibv_recv_wr work{};
    work.wr_id = i;
    work.sg_list = &piece;
    work.num_sge = 1;
    ibv_recv_wr* bad = nullptr;
    if (const int error = ::ibv_post_recv(id_->qp, &work, &bad); error != 0)
      throw Failure("posting a receive", error);
  }
}

void Peer::send(std::span<const std::vector<std::byte>> ius) {
  const Region& region = add_region(ius.size() * iu_size, 0);
  for (std::size_t i = 0; i < ius.size(); ++i) {
    std::byte* const at = region.memory.get() + i * iu_size;
    std::copy(ius[i].begin(), ius[i].end(), at);
    ibv_sge piece{.addr = reinterpret_cast<std::uintptr_t>(at),
                  .length = static_cast<std::uint32_t>(ius[i].size()),
                  .lkey = region.mr->lkey};
    ibv_send_wr work{};
    work.sg_list = &piece;
    work.num_sge = 1;
    work.opcode = IBV_WR_SEND;
    work.send_flags = IBV_SEND_SIGNALED;
    ibv_send_wr* bad = nullptr;
    if (const int error = ::ibv_post_send(id_->qp, &work, &bad); error != 0)
      throw Failure("posting a send", error);
  }
}

std::span<const std::byte> Peer::receive(milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < deadline) {
    ibv_wc completion{};
    if (::ibv_poll_cq(cq_, 1, &completion) != 1) {
      std::this_thread::sleep_for(milliseconds(1));
      continue;
    }
    if (completion.status != IBV_WC_SUCCESS)
      throw Failure(::ibv_wc_status_str(completion.status), EIO);
    if ((completion.opcode & IBV_WC_RECV) != 0)
      return {received_ + completion.wr_id * iu_size, completion.byte_len};
  }
  throw Failure("an answer", ETIMEDOUT);
}

Peer::Region& Peer::add_region(std::size_t length, int access) {
  Region& region = regions_.emplace_back();
  region.memory = std::make_unique<std::byte[]>(length);
  region.mr = check(::ibv_reg_mr(pd_, region.memory.get(), length, access), "ibv_reg_mr");
  return region;
}

ibv_mr* Peer::expose(std::size_t length) {
  return add_region(length,
                    IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE)
      .mr;
}

void Peer::withdraw(ibv_mr* region) {
  const auto at = std::find_if(regions_.begin(), regions_.end(),
                               [&](const Region& one) { return one.mr == region; });
  if (const int error = ::ibv_dereg_mr(region); error != 0) throw Failure("ibv_dereg_mr", error);
  at->mr = nullptr;
}

void Peer::break_queue_pair() {
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_ERR;
  if (const int error = ::ibv_modify_qp(id_->qp, &attributes, IBV_QP_STATE); error != 0)
    throw Failure("ibv_modify_qp", error);
}

void Peer::disconnect() { check(::rdma_disconnect(id_), "rdma_disconnect"); }

bool Peer::wait_closed(milliseconds limit) {
  const auto event = next_event(limit);
  return event == RDMA_CM_EVENT_DISCONNECTED;
}

std::optional<rdma_cm_event_type> Peer::next_event(milliseconds limit, Outcome* outcome) {
  pollfd ready{.fd = events_->fd, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, static_cast<int>(limit.count())) != 1) return std::nullopt;
  rdma_cm_event* event = nullptr;
  check(::rdma_get_cm_event(events_, &event), "rdma_get_cm_event");
  const rdma_cm_event_type kind = event->event;
  if (outcome != nullptr) {
    outcome->status = event->status;
    const auto* data = static_cast<const std::byte*>(event->param.conn.private_data);
    if (data != nullptr)
      outcome->private_data.assign(data, data + event->param.conn.private_data_len);
  }
  ::rdma_ack_cm_event(event);
  return kind;
}

void Peer::expect(rdma_cm_event_type wanted) {
  const auto event = next_event(answer_limit);
  if (!event) throw Failure(::rdma_event_str(wanted), ETIMEDOUT);
  if (event != wanted)
    throw Failure(std::string("event ") + ::rdma_event_str(*event) + " instead of " +
                      ::rdma_event_str(wanted),
                  EPROTO);
}

}  // namespace srpd::test
