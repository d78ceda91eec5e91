#include "transport/verbs/channel.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "transport/verbs/cause.h"

namespace srpd::transport::verbs {
namespace {

using namespace std::chrono_literals;

// What is posted has flushed by then, or never will.
constexpr runtime::Time flush_limit = 500ms;
// After the last send has flushed, for devices that do not report the end of the receives.
constexpr runtime::Time receive_grace = 10ms;
// How soon a peer that found no receive buffer tries again: 80 us (IBTA table 45, code 6). Untold
// it would be 655 ms.
constexpr std::uint8_t retry_soon = 6;
// 7: until it succeeds (IBTA 9.9.2.1.2).
constexpr std::uint8_t retry_always = 7;

void set_retry_timer(ibv_qp& queue_pair) {
  ibv_qp_attr attributes{};
  attributes.min_rnr_timer = retry_soon;
  static_cast<void>(::ibv_modify_qp(&queue_pair, &attributes, IBV_QP_MIN_RNR_TIMER));
}

}  // namespace

Expected<std::unique_ptr<VerbsChannel>> VerbsChannel::make(Setup setup) {
  auto context = setup.state->context_of(setup.device, setup.shared->options, setup.shared->lent);
  if (!context) return tl::unexpected<Error>(context.error());
  std::unique_ptr<VerbsChannel> made(new VerbsChannel(std::move(setup), std::move(*context)));
  if (auto opened = made->open_queue_pair(); !opened) return tl::unexpected<Error>(opened.error());
  made->endpoint_->set_handler(made.get());
  return made;
}

VerbsChannel::VerbsChannel(Setup setup, std::shared_ptr<LoopContext> context)
    : ChannelBase(setup.state->loop(), setup.endpoint->peer(), setup.endpoint->local()),
      shared_(std::move(setup.shared)),
      state_(std::move(setup.state)),
      endpoint_(std::move(setup.endpoint)),
      device_(std::move(setup.device)),
      context_(std::move(context)),
      parameters_(setup.parameters) {
  limits_.max_send_iu = parameters_.max_send_iu;
  limits_.max_receive_iu = parameters_.max_receive_iu;
}

VerbsChannel::~VerbsChannel() {
  // Before start() it may be dropped at any time; afterwards on_closed comes first.
  CHECK(handler_ == nullptr || phase_ == Phase::closed);
  release_queue_pair();
  while (Iu* const iu = arrived_.pop()) give_back(ReceiveBuffer::of(*iu));
}

Expected<void> VerbsChannel::open_queue_pair() {
  const VerbsOptions& options = shared_->options;
  const ibv_device_attr& device = device_->limits();
  const auto most = static_cast<std::uint32_t>(std::max(device.max_qp_wr, 1));
  const std::uint32_t sends = std::min(options.send_queue, most);
  const std::uint32_t receives = std::min(parameters_.receive_count, most);
  auto seat = context_->take_seat(*this, sends, receives, parameters_.max_receive_iu);
  if (!seat) return tl::unexpected<Error>(seat.error());
  seat_ = *seat;
  seated_ = true;

  ibv_qp_init_attr attributes{};
  attributes.send_cq = attributes.recv_cq = seat_.queue;
  attributes.srq = seat_.shared;
  attributes.qp_type = IBV_QPT_RC;
  attributes.cap.max_send_wr = sends;
  attributes.cap.max_recv_wr = shares_receives() ? 0 : receives;
  attributes.cap.max_send_sge =
      std::min(options.send_pieces, static_cast<std::uint32_t>(std::max(device.max_sge, 1)));
  attributes.cap.max_recv_sge = 1;
  attributes.cap.max_inline_data = options.inline_bytes;
  if (!create_queue_pair(attributes))
    return tl::unexpected<Error>(
        registration_error(device_->name() + " queue pair", std::size_t{sends} * 512, errno));
  queue_pair_ = endpoint_->queue_pair();
  queue_pair_number_ = queue_pair_->qp_num;
  context_->set_queue_pair(seat_, queue_pair_number_);
  // No more than was reserved in the completion queue.
  ring_ = std::make_unique<SendRing<Posted>>(std::min(attributes.cap.max_send_wr, sends));
  inline_bytes_ = attributes.cap.max_inline_data;
  operation_.pieces =
      std::min<std::uint32_t>(attributes.cap.max_send_sge, LoopContext::most_pieces);
  operation_.bytes = device_->max_message(endpoint_->port());
  const int read_pieces = device.max_sge_rd > 0 ? device.max_sge_rd : device.max_sge;
  read_pieces_ =
      std::clamp(static_cast<std::uint32_t>(std::max(read_pieces, 1)), 1u, operation_.pieces);
  description_ =
      fmt::format("verbs, {}, {}, inline {}", device_->name(),
                  shares_receives() ? "shared receive queue" : "own receive queue", inline_bytes_);
  if (shares_receives()) return {};
  return take_own_receives(receives);
}

// `attributes.cap` holds what was granted afterwards. Not every device takes the size of inline
// data as a wish. And libsiw cannot map a receive queue that the kernel puts at one certain offset,
// which it takes for a mark of failure; behind a longer send queue it lies elsewhere.
bool VerbsChannel::create_queue_pair(ibv_qp_init_attr& attributes) {
  const ibv_qp_init_attr wanted = attributes;
  for (const std::uint32_t longer : {0u, 1u, 2u}) {
    if (endpoint_->create_queue_pair(device_->pd(), attributes) == 0) return true;
    attributes = wanted;
    attributes.cap.max_inline_data = 0;
    attributes.cap.max_send_wr <<= longer;
  }
  return false;
}

Expected<void> VerbsChannel::take_own_receives(std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    ReceiveBuffer* const buffer = seat_.receives->take();
    if (buffer == nullptr)
      return tl::unexpected<Error>(
          registration_error(device_->name(), parameters_.max_receive_iu, errno));
    own_receives_.push_back(buffer);
    returned_.push(*buffer);
  }
  if (!post_own_receives()) return failure(device_->name(), "it does not take receive buffers");
  return {};
}

// Connecting

Expected<void> VerbsChannel::accept(std::span<const std::byte> private_data, std::uint32_t depth,
                                    std::uint32_t resources) {
  const ibv_device_attr& device = device_->limits();
  rdma_conn_param answer{};
  answer.private_data = private_data.data();
  answer.private_data_len = static_cast<std::uint8_t>(private_data.size());
  limits_.read_depth =
      std::min({depth, parameters_.outbound_reads,
                static_cast<std::uint32_t>(std::max(device.max_qp_init_rd_atom, 0))});
  answer.initiator_depth = static_cast<std::uint8_t>(limits_.read_depth);
  answer.responder_resources = static_cast<std::uint8_t>(
      std::min({resources, parameters_.inbound_reads,
                static_cast<std::uint32_t>(std::max(device.max_qp_rd_atom, 0))}));
  answer.flow_control = 1;
  answer.retry_count = retry_always;
  answer.rnr_retry_count = retry_always;
  if (endpoint_->accept(answer) != 0)
    return failure(peer_.text(), "the connection cannot be accepted: " + errno_text(errno));
  if (!device_->iwarp()) set_retry_timer(*queue_pair_);
  phase_ = Phase::open;
  return {};
}

Expected<void> VerbsChannel::connect(std::span<const std::byte> private_data) {
  const ibv_device_attr& device = device_->limits();
  rdma_conn_param request{};
  request.private_data = private_data.data();
  request.private_data_len = static_cast<std::uint8_t>(private_data.size());
  request.initiator_depth = static_cast<std::uint8_t>(
      std::min(parameters_.outbound_reads,
               static_cast<std::uint32_t>(std::max(device.max_qp_init_rd_atom, 0))));
  request.responder_resources = static_cast<std::uint8_t>(std::min(
      parameters_.inbound_reads, static_cast<std::uint32_t>(std::max(device.max_qp_rd_atom, 0))));
  request.flow_control = 1;
  request.retry_count = retry_always;
  request.rnr_retry_count = retry_always;
  if (endpoint_->connect(request) != 0)
    return failure(peer_.text(), "the connection cannot be requested: " + errno_text(errno));
  return {};
}

void VerbsChannel::established(const rdma_conn_param& agreed) {
  limits_.read_depth = std::min<std::uint32_t>(parameters_.outbound_reads, agreed.initiator_depth);
  if (!device_->iwarp()) set_retry_timer(*queue_pair_);
  peer_ = endpoint_->peer();
  local_ = endpoint_->local();
  endpoint_->set_handler(this);
  phase_ = Phase::open;
  peer_ready_ = true;
}

void VerbsChannel::on_cm_event(const CmEvent& event) {
  switch (event.type) {
    case RDMA_CM_EVENT_ESTABLISHED:
      peer_ready_ = true;
      defer_turn();
      return;
    case RDMA_CM_EVENT_DISCONNECTED:
      // What arrived before the end comes before it.
      if (phase_ == Phase::open) context_->poll_dry();
      return fail(CloseReason::Kind::peer_closed, "closed by the peer");
    case RDMA_CM_EVENT_CONNECT_ERROR:
    case RDMA_CM_EVENT_UNREACHABLE:
    case RDMA_CM_EVENT_REJECTED:
    case RDMA_CM_EVENT_DEVICE_REMOVAL:
      return fail(CloseReason::Kind::peer_reset, verbs::describe(event));
    default:
      return;  // TIMEWAIT_EXIT, ADDR_CHANGE: nothing to do
  }
}

void VerbsChannel::on_async_event(ibv_event_type type) {
  switch (type) {
    case IBV_EVENT_COMM_EST:
      // Data came before the message that ends the handshake, which may be lost (IBTA 12.9.7.2).
      endpoint_->communication_established();
      return;
    case IBV_EVENT_QP_LAST_WQE_REACHED:
      last_receive_ = true;
      defer_turn();
      return;
    case IBV_EVENT_QP_ACCESS_ERR:
    case IBV_EVENT_QP_REQ_ERR:
      return fail(CloseReason::Kind::protocol_error, "the peer asked for what it may not");
    default:
      return fail(CloseReason::Kind::local, ::ibv_event_type_str(type));
  }
}

// Receiving

void VerbsChannel::start(Handler& handler) { take_handler(handler); }

bool VerbsChannel::post_own_receives() {
  std::array<ibv_recv_wr, LoopContext::batch> wanted;
  std::array<ibv_sge, LoopContext::batch> scatter;
  while (!returned_.empty()) {
    std::size_t count = 0;
    while (count < wanted.size() && !returned_.empty()) {
      ReceiveBuffer& buffer = *returned_.pop();
      buffer.posted = true;
      scatter[count] = buffer.owner->piece(buffer);
      wanted[count] = {reinterpret_cast<std::uintptr_t>(&buffer) | LoopContext::receive_flag,
                       nullptr, &scatter[count], 1};
      if (count > 0) wanted[count - 1].next = &wanted[count];
      ++count;
    }
    own_posted_ += static_cast<std::uint32_t>(count);
    ibv_recv_wr* refused = nullptr;
    if (::ibv_post_recv(queue_pair_, wanted.data(), &refused) != 0) return false;
  }
  return true;
}

void VerbsChannel::on_received(ReceiveBuffer& buffer, const ibv_wc& completion) {
  if (!shares_receives()) {
    buffer.posted = false;
    --own_posted_;
  }
  if (completion.status != IBV_WC_SUCCESS) {
    const Cause cause = cause_of(completion.status);
    fail(cause.kind, cause.text, cause.certain);
    give_back(buffer);
    defer_turn();
    return;
  }
  moved();
  if (!peer_ready_) {
    peer_ready_ = true;
    endpoint_->data_arrived();
    defer_turn();
  }
  Iu& iu = buffer.iu;
  iu.length = completion.byte_len;
  iu.next = nullptr;
  if (iu.length > parameters_.max_receive_iu) {
    give_back(buffer);
    return fail(CloseReason::Kind::protocol_error, "the peer sent a longer IU than agreed");
  }
  if (phase_ > Phase::open) return give_back(buffer);
  if (handler_ == nullptr || !arrived_.empty()) return arrived_.push(iu);
  ++lent_;
  handler_->on_iu(iu);
}

void VerbsChannel::deliver_arrived() {
  while (phase_ == Phase::open && !arrived_.empty()) {
    Iu& iu = *arrived_.pop();
    ++lent_;
    handler_->on_iu(iu);
  }
}

void VerbsChannel::release(Iu& iu) {
  CHECK(lent_ > 0);
  --lent_;
  give_back(ReceiveBuffer::of(iu));
}

void VerbsChannel::give_back(ReceiveBuffer& buffer) {
  if (shares_receives()) return context_->return_shared(buffer);
  if (phase_ > Phase::flushing) return buffer.owner->give(buffer);
  returned_.push(buffer);
  defer_turn();
}

// Memory for the peer

RemoteSegment VerbsChannel::expose(std::span<std::byte> memory, Access access) {
  RemoteSegment segment{reinterpret_cast<std::uintptr_t>(memory.data()), 0,
                        static_cast<std::uint32_t>(memory.size())};
  if (phase_ > Phase::flushing) return segment;  // nobody will use it
  const auto bits = static_cast<unsigned>(access);
  int rights = 0;
  if ((bits & static_cast<unsigned>(Access::remote_read)) != 0) rights |= IBV_ACCESS_REMOTE_READ;
  if ((bits & static_cast<unsigned>(Access::remote_write)) != 0)
    rights |= IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_LOCAL_WRITE;
  auto registration = Registration::make(device_->pd(), memory, rights);
  if (!registration) {
    fail(CloseReason::Kind::local, registration_error("", memory.size(), errno).text());
    return segment;
  }
  segment.key = registration.rkey();
  exposed_.insert(segment.key, std::move(registration));
  return segment;
}

void VerbsChannel::withdraw(std::uint32_t key) { exposed_.erase(key); }

// Ending

void VerbsChannel::disconnect(std::string_view why, bool graceful) {
  if (phase_ > Phase::flushing) return;
  if (phase_ == Phase::flushing) {
    // A graceful end may be cut short.
    if (!graceful) end();
    return;
  }
  reason_ = {CloseReason::Kind::local, std::string(why)};
  if (!graceful || !peer_ready_) return end();
  phase_ = Phase::flushing;
  // The first one may have begun; the others need not.
  WorkQueue<ReadWork> kept;
  while (ReadWork* const work = reads_.pop()) {
    if (read_begun_ && kept.empty()) {
      kept.push(*work);
    } else {
      finish(*work, -ECONNRESET);
    }
  }
  reads_ = kept;
  set_alarm(shared_->options.close_timeout);
  defer_turn();
}

void VerbsChannel::give_up() {
  fail(CloseReason::Kind::peer_reset, "the peer does not answer any more");
}

void VerbsChannel::fail(CloseReason::Kind kind, std::string text, bool certain) {
  if (phase_ > Phase::flushing) {
    // The event that tells why comes after the flushed work requests.
    if (!certain_ && certain) {
      reason_ = {kind, std::move(text)};
      certain_ = true;
      defer_turn();
    }
    return;
  }
  if (phase_ != Phase::flushing) {
    reason_ = {kind, std::move(text)};
    certain_ = certain;
  }
  end();
}

void VerbsChannel::end() {
  phase_ = Phase::ending;
  // On iWARP the first only begins to close the connection. What is posted flushes in error.
  const bool told = endpoint_->disconnect() == 0;
  if (!told || device_->iwarp()) {
    ibv_qp_attr attributes{};
    attributes.qp_state = IBV_QPS_ERR;
    static_cast<void>(::ibv_modify_qp(queue_pair_, &attributes, IBV_QP_STATE));
  }
  set_alarm(flush_limit);
  defer_turn();
}

// Nothing completes any more. The receives of a shared queue that the queue pair had taken are out
// when the device says so; some never do.
bool VerbsChannel::drained() {
  if (forced_) return true;
  if (!certain_ || !ring_->empty()) return false;
  if (!shares_receives()) return own_posted_ == 0;
  if (last_receive_) return true;
  if (!waited_for_last_) set_alarm(receive_grace);
  waited_for_last_ = true;
  return false;
}

void VerbsChannel::on_alarm() {
  if (phase_ == Phase::flushing) return end();
  forced_ = true;
  defer_turn();
}

void VerbsChannel::take_turn() {
  if (handler_ != nullptr) deliver_arrived();
  if (phase_ <= Phase::flushing && !post_own_receives())
    fail(CloseReason::Kind::local, "the adapter does not take receive buffers");
  pump();
  complete_done();
  if (phase_ == Phase::flushing && sends_.empty() && reads_.empty() && ring_->empty()) end();
  if (phase_ == Phase::ending && drained()) release_queue_pair();
  if (phase_ == Phase::released && handler_ != nullptr) close();
}

// The endpoint goes last: with the last one of a device that may be closed.
void VerbsChannel::release_queue_pair() {
  if (!seated_) return;
  seated_ = false;
  phase_ = Phase::released;
  cancel_alarm();
  exposed_.clear();
  if (queue_pair_ != nullptr) {
    queue_pair_ = nullptr;
    endpoint_->destroy_queue_pair();
    context_->poll_dry();
  }
  while (ring_ != nullptr && !ring_->empty()) {
    settle(ring_->front(), -ECONNRESET);
    ring_->pop();
  }
  while (ReceiveBuffer* const buffer = returned_.pop()) buffer->owner->give(*buffer);
  for (ReceiveBuffer* const buffer : own_receives_) {
    if (buffer->posted) buffer->owner->give(*buffer);
    buffer->posted = false;
  }
  own_receives_.clear();
  context_->give_seat(seat_, queue_pair_number_);
  device_.reset();
  endpoint_.reset();
}

void VerbsChannel::close() {
  while (SendWork* const work = sends_.pop()) finish(*work, -ECONNRESET);
  while (ReadWork* const work = reads_.pop()) finish(*work, -ECONNRESET);
  complete_done();
  phase_ = Phase::closed;
  report_closed();
}

}  // namespace srpd::transport::verbs
