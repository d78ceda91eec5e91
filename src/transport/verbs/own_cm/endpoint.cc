#include "transport/verbs/own_cm/endpoint.h"

#include <arpa/inet.h>
#include <infiniband/ib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

namespace srpd::transport::verbs {
namespace {

constexpr std::uint32_t psn_mask = 0xffffff;
// How soon a peer that found no receive buffer tries again: 80 us (table 45, code 6).
constexpr std::uint8_t retry_soon = 6;

Address address_of(const ibcm::Gid& gid, std::uint64_t service, std::uint16_t pkey) {
  sockaddr_ib at{};
  at.sib_family = AF_IB;
  at.sib_pkey = htons(pkey);
  std::memcpy(&at.sib_addr, gid.data(), gid.size());
  at.sib_sid = htobe64(service);
  at.sib_sid_mask = UINT64_MAX;
  Address address;
  std::memcpy(&address.storage, &at, sizeof at);
  address.length = sizeof at;
  address.own_cm = true;
  return address;
}

// The entry of the port's table of GIDs with this one; the first if there is none.
std::uint8_t gid_index(ibv_context& context, std::uint8_t port, const ibcm::Gid& gid) {
  ibv_port_attr attributes{};
  if (::ibv_query_port(&context, port, &attributes) != 0) return 0;
  for (int i = 0; i < attributes.gid_tbl_len && i <= UINT8_MAX; ++i) {
    ibv_gid entry{};
    if (::ibv_query_gid(&context, port, i, &entry) == 0 &&
        std::memcmp(entry.raw, gid.data(), gid.size()) == 0)
      return static_cast<std::uint8_t>(i);
  }
  return 0;
}

int as_result(int error_number) {
  if (error_number == 0) return 0;
  errno = error_number;
  return -1;
}

}  // namespace

Address requester_of(const ibcm::Request& request) {
  return address_of(request.requester_gid, request.service, request.pkey);
}

Address responder_of(const ibcm::Request& request) {
  return address_of(request.responder_gid, request.service, request.pkey);
}

OwnEndpoint::OwnEndpoint(std::shared_ptr<Agent> agent, std::shared_ptr<ibv_context> context,
                         ibcm::Handle handle, const ibcm::Request& request)
    : context_(std::move(context)),
      agent_(std::move(agent)),
      handle_(handle),
      request_(request),
      psn_(std::random_device{}() & psn_mask) {}

OwnEndpoint::~OwnEndpoint() {
  sink_->handler = nullptr;
  destroy_queue_pair();
  tell_peer();
}

int OwnEndpoint::move_to(LoopState& state) {
  home_ = &state.loop();
  return 0;
}

// The queue pair

int OwnEndpoint::create_queue_pair(ibv_pd& pd, ibv_qp_init_attr& attributes) {
  queue_pair_ = ::ibv_create_qp(&pd, &attributes);
  if (queue_pair_ == nullptr) return -1;
  shares_receives_ = attributes.srq != nullptr;
  if (const int rc = initialize(); rc != 0) {
    destroy_queue_pair();
    return as_result(rc);
  }
  return 0;
}

int OwnEndpoint::initialize() {
  const int pkey = ::ibv_get_pkey_index(context_.get(), port(), htons(request_.pkey));
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_INIT;
  attributes.port_num = port();
  attributes.pkey_index = static_cast<std::uint16_t>(std::max(pkey, 0));
  attributes.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ;
  return ::ibv_modify_qp(queue_pair_, &attributes,
                         IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
}

void OwnEndpoint::destroy_queue_pair() {
  if (queue_pair_ != nullptr) ::ibv_destroy_qp(std::exchange(queue_pair_, nullptr));
}

// The PSN in a message is the one that its receiver begins with.
int OwnEndpoint::make_ready(const rdma_conn_param& answer) {
  ibv_qp_attr receive{};
  receive.qp_state = IBV_QPS_RTR;
  receive.path_mtu = static_cast<ibv_mtu>(request_.mtu);
  receive.dest_qp_num = request_.queue_pair;
  receive.rq_psn = psn_;
  receive.max_dest_rd_atomic = answer.responder_resources;
  receive.min_rnr_timer = retry_soon;
  receive.ah_attr.dlid = request_.requester_lid;
  receive.ah_attr.sl = request_.service_level;
  receive.ah_attr.port_num = port();
  if (request_.routed) {
    receive.ah_attr.is_global = 1;
    std::memcpy(receive.ah_attr.grh.dgid.raw, request_.requester_gid.data(), 16);
    receive.ah_attr.grh.flow_label = request_.flow_label;
    receive.ah_attr.grh.hop_limit = request_.hop_limit;
    receive.ah_attr.grh.traffic_class = request_.traffic_class;
    receive.ah_attr.grh.sgid_index = gid_index(*context_, port(), request_.responder_gid);
  }
  const int rc =
      ::ibv_modify_qp(queue_pair_, &receive,
                      IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
                          IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
  if (rc != 0) return rc;
  ibv_qp_attr send{};
  send.qp_state = IBV_QPS_RTS;
  send.timeout = request_.ack_timeout;
  send.retry_cnt = request_.retry_count;
  send.rnr_retry = request_.rnr_retry_count;
  send.sq_psn = request_.starting_psn;
  send.max_rd_atomic = answer.initiator_depth;
  return ::ibv_modify_qp(queue_pair_, &send,
                         IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
                             IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

// The handshake

int OwnEndpoint::accept(rdma_conn_param& answer) {
  if (const int rc = make_ready(answer); rc != 0) return as_result(rc);
  const auto* const data = static_cast<const std::byte*>(answer.private_data);
  const ibcm::Answer reply{.queue_pair = queue_pair_->qp_num,
                           .starting_psn = psn_,
                           .responder_resources = answer.responder_resources,
                           .initiator_depth = answer.initiator_depth,
                           .rnr_retry_count = answer.rnr_retry_count,
                           .shared_receives = shares_receives_,
                           .private_data = {}};
  agent_->accept(handle_, reply, {data, data + answer.private_data_len}, *home_, sink_);
  return 0;
}

int OwnEndpoint::connect(rdma_conn_param&) { return as_result(EOPNOTSUPP); }

int OwnEndpoint::disconnect() {
  tell_peer();
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_ERR;
  return as_result(::ibv_modify_qp(queue_pair_, &attributes, IBV_QP_STATE));
}

void OwnEndpoint::tell_peer() {
  if (!std::exchange(told_, true)) agent_->disconnect(handle_);
}

}  // namespace srpd::transport::verbs
