#include "transport/iwarp/receiver.h"

#include <cstring>

namespace srpd::transport::iwarp {
namespace {

using namespace wire;

rdmap::Opcode opcode_of(const ddp::Start& start) {
  return static_cast<rdmap::Opcode>(start.rdmap_control & rdmap::opcode_mask);
}

// From the first four bytes. Wrong opcodes count as short ones: begin_fpdu() refuses them.
std::size_t header_size(const std::byte* start_bytes) {
  const auto* start = reinterpret_cast<const ddp::Start*>(start_bytes);
  if ((start->ddp_control & ddp::control_tagged) != 0) return sizeof(ddp::Tagged);
  return opcode_of(*start) == rdmap::Opcode::read_request ? sizeof(rdmap::ReadRequest)
                                                          : sizeof(ddp::Untagged);
}

rdmap::ErrorCode tagged_error(StagTable::Refusal refusal) {
  switch (refusal) {
    case StagTable::Refusal::bounds:
      return rdmap::ErrorCode::ddp_bounds;
    case StagTable::Refusal::wrap:
      return rdmap::ErrorCode::ddp_offset_wrap;
    case StagTable::Refusal::access:
      return rdmap::ErrorCode::rdmap_access;
    default:
      return rdmap::ErrorCode::ddp_invalid_stag;
  }
}

rdmap::ErrorCode read_error(StagTable::Refusal refusal) {
  switch (refusal) {
    case StagTable::Refusal::bounds:
      return rdmap::ErrorCode::rdmap_bounds;
    case StagTable::Refusal::wrap:
      return rdmap::ErrorCode::rdmap_offset_wrap;
    case StagTable::Refusal::access:
      return rdmap::ErrorCode::rdmap_access;
    default:
      return rdmap::ErrorCode::rdmap_invalid_stag;
  }
}

const char* text_of(StagTable::Refusal refusal) {
  switch (refusal) {
    case StagTable::Refusal::bounds:
      return "access outside the memory of its STag";
    case StagTable::Refusal::wrap:
      return "tagged offset wraps";
    case StagTable::Refusal::access:
      return "STag does not allow this access";
    default:
      return "invalid STag";
  }
}

}  // namespace

bool Receiver::consume(std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  while (at != end) {
    switch (state_) {
      case State::header:
        at = take_header(at, end);
        break;
      case State::payload:
        at = take_payload(at, end);
        break;
      case State::trailer:
        at = take_trailer(at, end);
        break;
      case State::stopped:
        return false;
    }
  }
  return state_ != State::stopped;
}

const std::byte* Receiver::take_header(const std::byte* from, const std::byte* end) {
  // Nearly always the whole header is there: parse it in place.
  if (have_ == 0 && static_cast<std::size_t>(end - from) >= sizeof(ddp::Start)) {
    const std::size_t size = header_size(from);
    if (static_cast<std::size_t>(end - from) >= size) {
      begin_fpdu(from);
      return from + size;
    }
  }
  while (from != end) {
    const std::size_t wanted =
        have_ < sizeof(ddp::Start) ? sizeof(ddp::Start) : header_size(partial_.data());
    const auto step = std::min<std::size_t>(wanted - have_, static_cast<std::size_t>(end - from));
    std::memcpy(partial_.data() + have_, from, step);
    have_ = static_cast<std::uint8_t>(have_ + step);
    from += step;
    if (have_ >= sizeof(ddp::Start) && have_ == header_size(partial_.data())) {
      have_ = 0;
      begin_fpdu(partial_.data());
      break;
    }
  }
  return from;
}

void Receiver::begin_fpdu(const std::byte* header) {
  const auto& start = *reinterpret_cast<const ddp::Start*>(header);
  const std::size_t size = header_size(header);
  const bool tagged = (start.ddp_control & ddp::control_tagged) != 0;
  if ((start.ddp_control & ddp::control_version_mask) != ddp::version)
    return fail(tagged ? ErrorCode::ddp_tagged_version : ErrorCode::ddp_untagged_version,
                "unknown DDP version", header, size);
  if ((start.rdmap_control & rdmap::version_mask) != rdmap::version_bits)
    return fail(ErrorCode::rdmap_version, "unknown RDMAP version", header, size);
  opcode_ = opcode_of(start);
  if (opcode_ > Opcode::terminate || rdmap::is_tagged(opcode_) != tagged)
    return fail(ErrorCode::rdmap_unexpected_opcode, "unexpected RDMAP opcode", header, size);
  const std::uint32_t ulpdu = start.ulpdu_length;
  const auto header_ulpdu = static_cast<std::uint32_t>(size - mpa::length_field);
  if (ulpdu < header_ulpdu)
    return fail(ErrorCode::mpa_length, "ULPDU shorter than its header", header, size);

  last_ = (start.ddp_control & ddp::control_last) != 0;
  payload_left_ = ulpdu - header_ulpdu;
  trailer_size_ = static_cast<std::uint8_t>(mpa::pad_of(ulpdu) + mpa::crc_field);
  if (settings_.crc) {
    crc_.reset();
    crc_.add(header, size);
  }
  state_ = payload_left_ > 0 ? State::payload : State::trailer;
  switch (opcode_) {
    case Opcode::write:
      return begin_write(header);
    case Opcode::read_response:
      return begin_read_response(header);
    case Opcode::read_request:
      return begin_read_request(header);
    case Opcode::terminate:
      return begin_terminate(header);
    default:
      return begin_send(header);
  }
}

void Receiver::begin_write(const std::byte* bytes) {
  const auto& header = *reinterpret_cast<const ddp::Tagged*>(bytes);
  if (responding_)
    return fail(ErrorCode::rdmap_unexpected_opcode, "RDMA Write inside a Read Response", bytes,
                sizeof header);
  const bool continues = writing_ && header.stag == write_stag_ && header.offset == write_offset_;
  if (payload_left_ == 0 && !continues) {
    // An empty Write is always welcome, whatever it names: adapters use it as RTR.
    writing_next_ = writing_;
    return;
  }
  if (writing_ && !continues)
    return fail(ErrorCode::ddp_bounds, "RDMA Write does not continue where it left off", bytes,
                sizeof header);
  write_stag_ = header.stag;
  write_offset_ = header.offset + payload_left_;
  writing_next_ = !last_;
  if (payload_left_ == 0) return;
  const auto found = stags_.find(header.stag, header.offset, payload_left_, Access::remote_write);
  if (found.refusal != StagTable::Refusal::none)
    return fail(tagged_error(found.refusal), text_of(found.refusal), bytes, sizeof header);
  one_ = {found.memory.data(), found.memory.size()};
  to_ = Cursor({&one_, 1});
}

void Receiver::begin_read_response(const std::byte* bytes) {
  const auto& header = *reinterpret_cast<const ddp::Tagged*>(bytes);
  if (writing_ || outstanding_.empty())
    return fail(ErrorCode::rdmap_unexpected_opcode, "Read Response that nobody asked for", bytes,
                sizeof header);
  const OutstandingRead& read = outstanding_.front();
  if (payload_left_ > read.left || (last_ && payload_left_ < read.left))
    return fail(ErrorCode::ddp_bounds, "Read Response of a wrong length", bytes, sizeof header);
  response_bytes_ = payload_left_;
  if (payload_left_ == 0) return;
  if (header.stag != read.stag)
    return fail(ErrorCode::ddp_invalid_stag, "Read Response out of order", bytes, sizeof header);
  if (header.offset != read.offset)
    return fail(ErrorCode::ddp_bounds, "Read Response does not continue where it left off", bytes,
                sizeof header);
  to_ = read.sink;
}

void Receiver::begin_send(const std::byte* bytes) {
  const auto& header = *reinterpret_cast<const ddp::Untagged*>(bytes);
  const auto refuse = [&](ErrorCode code, const char* text) {
    fail(code, text, bytes, sizeof header);
  };
  if (header.queue != rdmap::send_queue)
    return refuse(ErrorCode::ddp_invalid_queue, "Send on a wrong queue");
  if (header.msn != send_msn_)
    return refuse(ErrorCode::ddp_msn_range, "Send with a wrong message sequence number");
  if (header.offset != send_offset_)
    return refuse(ErrorCode::ddp_message_offset, "Send with a wrong message offset");
  if (send_offset_ + payload_left_ > settings_.max_receive_iu)
    return refuse(ErrorCode::ddp_message_too_long, "Send longer than the receive buffer");
  if (sending_ && (opcode_ != send_opcode_ || header.ulp != send_stag_))
    return refuse(ErrorCode::rdmap_unexpected_opcode, "Send changes its opcode");
  if (!sending_) {
    send_opcode_ = opcode_;
    send_stag_ = header.ulp;
    sending_ = true;
    if (payload_left_ > 0 || !last_) {
      iu_ = owner_.take_iu(payload_left_, last_);
      if (iu_ == nullptr)
        return refuse(ErrorCode::ddp_no_buffer, "Send without a receive buffer for it");
    }
  }
  if (payload_left_ == 0) return;
  one_ = {iu_->data + send_offset_, payload_left_};
  to_ = Cursor({&one_, 1});
  send_offset_ += payload_left_;
}

void Receiver::begin_read_request(const std::byte* bytes) {
  const auto& header = *reinterpret_cast<const rdmap::ReadRequest*>(bytes);
  const auto refuse = [&](ErrorCode code, const char* text) {
    fail(code, text, bytes, sizeof header);
  };
  if (header.header.queue != rdmap::read_queue)
    return refuse(ErrorCode::ddp_invalid_queue, "Read Request on a wrong queue");
  if (header.header.msn != read_msn_)
    return refuse(ErrorCode::ddp_msn_range, "Read Request with a wrong message sequence number");
  if (header.header.offset != 0 || !last_)
    return refuse(ErrorCode::ddp_message_offset, "Read Request in several pieces");
  if (payload_left_ != 0) return refuse(ErrorCode::mpa_length, "Read Request with payload");
  request_ = header;
}

void Receiver::begin_terminate(const std::byte*) {
  // Only the control word matters. Nothing is insisted on: not all senders get the rest right.
  payload_left_ = std::min(payload_left_, static_cast<std::uint32_t>(terminate_.size()));
  terminate_length_ = static_cast<std::uint8_t>(payload_left_);
  if (payload_left_ == 0) return end_terminate();
  one_ = {terminate_.data(), payload_left_};
  to_ = Cursor({&one_, 1});
}

const std::byte* Receiver::take_payload(const std::byte* from, const std::byte* end) {
  const auto piece = to_.piece(std::min<std::size_t>(payload_left_, end - from));
  if (piece.empty()) {
    fail(ErrorCode::rdmap_stream_catastrophic, "no place for the payload");
    return from;
  }
  std::memcpy(piece.data(), from, piece.size());
  placed(piece.size());
  return from + piece.size();
}

std::size_t Receiver::direct(std::span<iovec> pieces) const {
  if (state_ != State::payload) return 0;
  std::size_t count = 0;
  std::size_t left = payload_left_;
  Cursor at = to_;
  while (left > 0 && count < pieces.size()) {
    const auto piece = at.piece(left);
    if (piece.empty()) break;
    pieces[count++] = {piece.data(), piece.size()};
    left -= piece.size();
    at.advance(piece.size());
  }
  return count;
}

void Receiver::placed(std::size_t bytes) {
  payload_left_ -= static_cast<std::uint32_t>(bytes);
  while (bytes > 0) {
    const auto piece = to_.piece(bytes);
    if (settings_.crc) crc_.add(piece.data(), piece.size());
    to_.advance(piece.size());
    bytes -= piece.size();
  }
  if (payload_left_ > 0) return;
  if (opcode_ == Opcode::terminate) return end_terminate();
  state_ = State::trailer;
}

const std::byte* Receiver::take_trailer(const std::byte* from, const std::byte* end) {
  const std::byte* trailer = from;
  const auto step = std::min<std::size_t>(trailer_size_ - have_, end - from);
  if (step < trailer_size_) {
    std::memcpy(partial_.data() + have_, from, step);
    have_ = static_cast<std::uint8_t>(have_ + step);
    if (have_ < trailer_size_) return end;
    trailer = partial_.data();
    have_ = 0;
  }
  if (settings_.crc) {
    const std::size_t pad = trailer_size_ - mpa::crc_field;
    if (pad > 0) crc_.add(trailer, pad);
    std::uint32_t received = 0;
    std::memcpy(&received, trailer + pad, sizeof received);
    if (received != crc_.value()) {
      fail(ErrorCode::mpa_crc, "wrong CRC");
      return from + step;
    }
  }
  end_fpdu();
  return from + step;
}

void Receiver::end_fpdu() {
  // Before any callback: it may call stop().
  state_ = State::header;
  if (!first_done_) {
    first_done_ = true;
    owner_.first_fpdu_arrived();
    if (state_ == State::stopped) return;
  }
  switch (opcode_) {
    case Opcode::write:
      writing_ = writing_next_;
      return;
    case Opcode::read_response:
      return end_read_response();
    case Opcode::read_request:
      return end_read_request();
    case Opcode::terminate:
      return end_terminate();
    default:
      return end_send();
  }
}

void Receiver::end_read_response() {
  OutstandingRead& read = outstanding_.front();
  if (response_bytes_ > 0) read.sink = to_;
  responding_ = !last_;
  read.left -= response_bytes_;
  read.offset += response_bytes_;
  if (!last_) return;
  const OutstandingRead done = read;
  outstanding_.pop();
  owner_.read_placed(done);
}

void Receiver::end_send() {
  if (!last_) return;
  Iu* const iu = std::exchange(iu_, nullptr);
  const std::uint32_t length = std::exchange(send_offset_, 0);
  sending_ = false;
  ++send_msn_;
  if (rdmap::invalidates(send_opcode_) && !stags_.invalidate(send_stag_)) {
    iu_ = iu;
    return fail(ErrorCode::rdmap_cannot_invalidate, "Send invalidates an invalid STag");
  }
  if (iu == nullptr)
    return;  // an empty Send: the RTR of RFC 6581, of no meaning to the upper layer
  iu->length = length;
  owner_.deliver(*iu);
}

void Receiver::end_read_request() {
  ++read_msn_;
  const auto refuse = [&](ErrorCode code, const char* text) {
    fail(code, text, reinterpret_cast<const std::byte*>(&request_), sizeof request_);
  };
  if (inbound_.size() >= settings_.inbound_reads)
    return refuse(ErrorCode::ddp_no_buffer, "more Read Requests outstanding than agreed on");
  InboundRead read;
  read.sink_stag = request_.sink_stag;
  read.sink_offset = request_.sink_offset;
  if (request_.size > 0) {
    const auto found = stags_.find(request_.source_stag, request_.source_offset, request_.size,
                                   Access::remote_read);
    if (found.refusal != StagTable::Refusal::none)
      return refuse(read_error(found.refusal), text_of(found.refusal));
    read.source = found.memory;
    read.source_stag = request_.source_stag;
  }
  owner_.read_requested(read);
}

void Receiver::end_terminate() {
  terminated_ = true;
  state_ = State::stopped;
}

void Receiver::memory_withdrawn(std::uint32_t stag) {
  if (state_ == State::payload && opcode_ == Opcode::write && write_stag_ == stag)
    fail(ErrorCode::ddp_invalid_stag, text_of(StagTable::Refusal::invalid_stag));
}

void Receiver::fail(ErrorCode code, const char* text, const std::byte* header,
                    std::size_t header_length) {
  fault_.text = text;
  fault_.code = code;
  fault_.header_length = static_cast<std::uint8_t>(header_length);
  if (header_length > 0) std::memcpy(fault_.header.data(), header, header_length);
  state_ = State::stopped;
}

}  // namespace srpd::transport::iwarp
