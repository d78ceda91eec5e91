#include "initiator/connection.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "initiator/identity.h"

namespace srpd::initiator {
namespace {

// SRP-2, as Linux: immediate data start here.
constexpr std::uint32_t immediate_offset = 68;
// As ib_srp: how many RDMA Reads we let the target have outstanding.
constexpr std::uint32_t inbound_reads = 4;
// Of what the target may send, only answers to requests are many; besides: SRP_CRED_REQ,
// SRP_AER_REQ, SRP_T_LOGOUT and the answer to a task management function.
constexpr std::uint32_t spare_receives = 4;

constexpr std::uint64_t managing_bit = std::uint64_t{1} << 63;
constexpr unsigned slot_bits = 16;

std::string remedy_for(srp::LoginReject reason, const SessionOptions& options) {
  switch (reason) {
    case srp::LoginReject::unable_to_associate:
      return allow_hint(options.initiator) + ", and check that the target of the URL exists";
    case srp::LoginReject::iu_length_too_large:
      return "send less immediate data";
    case srp::LoginReject::insufficient_resources:
      return "try again later, or raise the target's limits";
    case srp::LoginReject::channel_limit_reached:
    case srp::LoginReject::multi_channel_unsupported:
      return "use fewer channels";
    default:
      return allow_hint(options.initiator) + "; the target's log has the reason";
  }
}

}  // namespace

Connection::Slot::Slot()
    : work([](runtime::Completion& self) {
        auto& sent = static_cast<Work&>(self);
        sent.connection->on_sent(*sent.slot, sent.result());
      }) {}

Connection::SmallSend::SmallSend()
    : SendWork([](runtime::Completion& self) {
        auto& send = static_cast<SmallSend&>(self);
        send.busy = false;
        send.connection->on_small_sent();
      }) {}

Connection::Connection(runtime::Loop& loop, const SessionOptions& options,
                       SessionCounters& counters, Owner& owner, std::uint32_t index)
    : loop_(loop), options_(options), counters_(counters), owner_(owner), index_(index) {
  task_send_.connection = this;
  logout_send_.connection = this;
  for (SmallSend& send : answers_) send.connection = this;
}

Connection::~Connection() { CHECK(in_flight_ == 0); }

// With both directions and an additional CDB.
std::uint32_t Connection::longest_command() const {
  const std::uint32_t table = options_.descriptors == Descriptors::indirect ? options_.max_segments
                              : options_.descriptors == Descriptors::external
                                  ? options_.descriptors_in_iu
                                  : 1;
  return static_cast<std::uint32_t>(
      sizeof(wire::srp::Cmd) + sizeof(Request::cdb) - 16 +
      2 * (sizeof(wire::srp::IndirectDescriptor) + table * sizeof(wire::srp::MemoryDescriptor)));
}

void Connection::open(transport::Transport& transport, bool multi) {
  srp::LoginRequest login;
  login.max_iu = longest_command();
  login.flags = multi ? wire::srp::multi_channel_multi : wire::srp::multi_channel_single;
  if (options_.immediate_data) {
    login.max_iu = std::max(login.max_iu, immediate_offset + options_.max_immediate_bytes);
    login.flags |= wire::srp::immediate_requested;
    login.immediate_offset = static_cast<std::uint16_t>(immediate_offset);
  }
  login.initiator = options_.initiator;
  login.target = options_.target;
  iu_size_ = login.max_iu;
  const auto over_ip = srp::build_login_rdma(login);
  const auto native = srp::build_login_ib(login);
  const bool is_native = options_.address.login_form() == transport::LoginForm::ib_cm;

  transport::ConnectOptions connect;
  connect.peer = options_.address;
  connect.private_data = is_native ? wire::bytes_of(native) : wire::bytes_of(over_ip);
  connect.parameters.max_receive_iu = srp::max_target_iu;
  connect.parameters.receive_count = options_.queue_depth + spare_receives;
  connect.parameters.inbound_reads = inbound_reads;
  connect.parameters.outbound_reads = 0;
  connect.timeout = options_.connect_timeout;
  state_ = State::connecting;
  connector_ = transport.connect(loop_, connect, *this);
}

void Connection::on_connected(std::unique_ptr<transport::Channel> channel,
                              std::span<const std::byte> private_data) {
  channel_ = std::move(channel);
  const auto login = srp::parse_login_rsp(private_data);
  // Two credits at least: one of them is kept for task management.
  const bool usable = login && login->req_lim_delta >= 2 &&
                      std::min(login->max_initiator_iu, iu_size_) >= longest_command();
  if (usable) {
    iu_size_ = std::min(login->max_initiator_iu, iu_size_);
    immediate_ = options_.immediate_data && (login->flags & wire::srp::immediate_supported) != 0;
    credits_ = login->req_lim_delta;
    make_slots(iu_size_, options_.queue_depth);
  }
  state_ = usable ? State::up : State::closing;
  channel_->start(*this);
  if (usable) {
    owner_.on_login(*this);
  } else {
    channel_->disconnect("unusable login response", false);
  }
}

void Connection::on_rejected(std::span<const std::byte> private_data) {
  state_ = State::ended;
  const auto rejection = srp::parse_login_rej(private_data);
  const auto reason = rejection ? rejection->reason : srp::LoginReject::unspecified;
  owner_.on_login_failed(*this,
                         Error{options_.address.text(),
                               fmt::format("the target rejected the login: {}", srp::name(reason)),
                               remedy_for(reason, options_)},
                         reason);
}

void Connection::on_failed(const Error& error) {
  state_ = State::ended;
  owner_.on_login_failed(*this, error, std::nullopt);
}

void Connection::on_closed(const transport::CloseReason& reason) {
  const bool was_up = !slots_.empty();
  state_ = State::ended;
  if (!was_up) {
    owner_.on_login_failed(
        *this,
        Error{options_.address.text(), "the target's login response is unusable",
              "is it an SRP target? It granted fewer than two credits or too short IUs"},
        std::nullopt);
    return;
  }
  if (std::exchange(managing_, false)) owner_.on_managed(*this, std::nullopt);
  owner_.on_lost(*this, reason.text);
}

bool Connection::disconnect(std::string_view why, bool graceful) {
  if (state_ == State::connecting) {
    connector_.reset();
    state_ = State::ended;
  } else if (state_ == State::up) {
    state_ = State::closing;
    channel_->disconnect(why, graceful);
  }
  return state_ == State::closing;
}

std::string Connection::description() const {
  return channel_ == nullptr ? "not connected" : channel_->description();
}

void Connection::make_slots(std::uint32_t iu_size, std::uint32_t count) {
  CHECK(count > 0 && count <= (1u << slot_bits));
  slots_ = std::vector<Slot>(count);
  iu_memory_.reset(new std::byte[std::size_t{iu_size} * count]);
  const std::uint32_t segments =
      options_.descriptors == Descriptors::direct ? 1 : options_.max_segments;
  // Two directions, each its segments and a table.
  key_memory_.resize(std::size_t{count} * 2 * (segments + 1));
  descriptor_memory_.resize(std::size_t{count} * 2 * segments);
  for (std::size_t i = count; i-- > 0;) {
    Slot& slot = slots_[i];
    slot.iu = iu_memory_.get() + i * iu_size;
    slot.keys = key_memory_.data() + i * 2 * (segments + 1);
    slot.descriptors = descriptor_memory_.data() + i * 2 * segments;
    slot.work.connection = this;
    slot.work.slot = &slot;
    slot.next_free = free_slots_;
    free_slots_ = &slot;
  }
}

// Slots.

Connection::Slot* Connection::find(const Request& request) const {
  for (const Slot& slot : slots_)
    if (slot.request == &request) return const_cast<Slot*>(&slot);
  return nullptr;
}

Connection::Slot* Connection::find_tag(std::uint64_t tag) {
  const std::uint64_t index = tag & ((1u << slot_bits) - 1);
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.request != nullptr && slot.tag == tag ? &slot : nullptr;
}

void Connection::free_slot(Slot& slot) {
  slot.next_free = free_slots_;
  free_slots_ = &slot;
}

void Connection::finish(Slot& slot, int error) {
  Request& request = *std::exchange(slot.request, nullptr);
  withdraw(slot);
  --in_flight_;
  if (!slot.sending) free_slot(slot);
  request.error = error;
  owner_.on_finished(*this, request);
}

void Connection::withdraw(Slot& slot) {
  for (std::uint16_t i = 0; i < slot.key_count; ++i) channel_->withdraw(slot.keys[i]);
  slot.key_count = 0;
}

// The response may overtake the completion of the send it answers.
void Connection::on_sent(Slot& slot, int) {
  slot.sending = false;
  if (slot.request != nullptr) return;
  free_slot(slot);
  if (can_send()) owner_.on_room(*this);
}

void Connection::forget(const Request* victim, std::uint64_t lun, int error) {
  // Not what was sent after it: the caller may have used the record of a victim again, and the
  // owner may send while this goes on.
  const std::uint64_t until = managing_tag_ & ~managing_bit;
  if (victim != nullptr) {
    Slot* const slot = find(*victim);
    if (slot != nullptr && slot->tag >> slot_bits < until) finish(*slot, error);
    return;
  }
  for (Slot& slot : slots_)
    if (slot.request != nullptr && slot.request->lun == lun && slot.tag >> slot_bits < until)
      finish(slot, error);
}

// What arrives.

void Connection::on_iu(transport::Iu& iu) {
  const auto bytes = iu.bytes();
  const auto opcode = srp::opcode_of(bytes);
  if (!opcode) {
    protocol_error("empty IU");
  } else if (*opcode == srp::Opcode::rsp) {
    on_response(bytes);
  } else if (*opcode == srp::Opcode::cred_req) {
    on_credit_request(bytes);
  } else if (*opcode == srp::Opcode::aer_req) {
    on_async_event(bytes);
  } else if (*opcode == srp::Opcode::t_logout) {
    disconnect("the target logged us out", true);
  } else {
    protocol_error(fmt::format("IU of type {:#04x}", static_cast<unsigned>(*opcode)));
  }
  channel_->release(iu);
  // A response frees a slot and a credit; look once, after both.
  if (can_send()) owner_.on_room(*this);
}

void Connection::on_response(std::span<const std::byte> iu) {
  const auto response = srp::parse_rsp(iu);
  if (!response) return protocol_error("malformed SRP_RSP");
  credits_ += response->req_lim_delta;
  const std::uint64_t tag = wire::srp::to_integer(response->tag);
  if ((tag & managing_bit) != 0) return on_task_response(*response);
  Slot* const slot = find_tag(tag);
  if (slot == nullptr) {
    ++counters_.unknown_tags;
    return;
  }
  ++counters_.responses;
  Request& request = *slot->request;
  request.status = response->status;
  request.residual = response->residual;
  request.sense_length =
      static_cast<std::uint16_t>(std::min(response->sense.size(), request.sense.size()));
  if (request.sense_length != 0)
    std::memcpy(request.sense.data(), response->sense.data(), request.sense_length);
  // A target that found the IU invalid says so here instead of with a status (r16a 6.9).
  const bool refused = response->code && *response->code != srp::ResponseCode::no_failure;
  finish(*slot, refused ? -EINVAL : 0);
}

void Connection::on_task_response(const srp::Response& response) {
  if (!managing_ || wire::srp::to_integer(response.tag) != managing_tag_) {
    // Given up, probably.
    ++counters_.late_answers;
    return;
  }
  managing_ = false;
  owner_.on_managed(*this, response.code.value_or(srp::ResponseCode::no_failure));
}

void Connection::on_credit_request(std::span<const std::byte> iu) {
  const auto request = srp::parse_cred_req(iu);
  if (!request) return protocol_error("malformed SRP_CRED_REQ");
  ++counters_.credit_requests;
  credits_ += request->req_lim_delta;
  answer(wire::bytes_of(srp::build_cred_rsp(request->tag)));
}

void Connection::on_async_event(std::span<const std::byte> iu) {
  const auto event = srp::parse_aer_req(iu);
  if (!event) return protocol_error("malformed SRP_AER_REQ");
  ++counters_.async_events;
  credits_ += event->req_lim_delta;
  answer(wire::bytes_of(srp::build_aer_rsp(event->tag)));
}

// Only one may be unanswered; but the next may arrive before the send of the last answer completes,
// so there are a few buffers.
void Connection::answer(std::span<const std::byte> bytes) {
  if (state_ != State::up) return;
  for (SmallSend& send : answers_)
    if (!send.busy) return post_small(send, bytes);
  protocol_error("a request before the last one was answered");
}

void Connection::post_small(SmallSend& send, std::span<const std::byte> bytes) {
  send.busy = true;
  std::memcpy(send.bytes.data(), bytes.data(), bytes.size());
  send.iu = {send.bytes.data(), bytes.size()};
  send.length = 0;
  send.reset();
  channel_->send(send);
}

void Connection::on_small_sent() {
  if (can_manage()) owner_.on_room(*this);
}

bool Connection::logout() {
  if (state_ == State::up && !logout_send_.busy)
    post_small(logout_send_, wire::bytes_of(srp::build_i_logout({})));
  return disconnect("logged out", true);
}

void Connection::protocol_error(const std::string& what) {
  static_cast<void>(disconnect("the target broke the protocol: " + what, false));
}

}  // namespace srpd::initiator
