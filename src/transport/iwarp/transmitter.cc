#include "transport/iwarp/transmitter.h"

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace srpd::transport::iwarp {
namespace {

using namespace wire;
using Kind = OutFpdu::Kind;

constexpr std::uint32_t smallest_fpdu = 64;
// Up to here copying beats another piece in the list.
constexpr std::uint32_t inline_payload = 256;
// Pieces of one FPDU; a payload in more of them is cut.
constexpr std::size_t fpdu_pieces = 128;
// Scratch bytes that one FPDU takes at most.
constexpr std::size_t fpdu_scratch =
    sizeof(rdmap::ReadRequest) + inline_payload + 3 + mpa::crc_field;

// A multiple of four, so that only the last FPDU of a message has pad.
std::uint32_t payload_room(std::uint32_t max_fpdu, std::size_t header) {
  const std::uint32_t bounded = std::clamp<std::uint32_t>(
      max_fpdu, smallest_fpdu, mpa::max_ulpdu + mpa::length_field + mpa::crc_field);
  return (bounded - static_cast<std::uint32_t>(header + mpa::crc_field)) & ~3u;
}

// What of `wanted` bytes fits into the pieces of one FPDU.
std::uint32_t within_pieces(Cursor at, std::uint32_t wanted) {
  if (at.piece(wanted).size() == wanted) return wanted;
  std::uint32_t sum = 0;
  for (std::size_t n = 0; n < fpdu_pieces && sum < wanted; ++n) {
    const auto piece = at.piece(wanted - sum);
    sum += static_cast<std::uint32_t>(piece.size());
    at.advance(piece.size());
  }
  return sum;
}

std::uint32_t header_bytes(Kind kind) {
  switch (kind) {
    case Kind::write:
    case Kind::response:
    case Kind::rtr_write:
      return sizeof(ddp::Tagged);
    case Kind::send:
      return sizeof(ddp::Untagged);
    default:
      return sizeof(rdmap::ReadRequest);
  }
}

std::uint32_t size_of(Kind kind, std::uint32_t payload) {
  return mpa::fpdu_size(header_bytes(kind) - static_cast<std::uint32_t>(mpa::length_field) +
                        payload);
}

OutFpdu make(Kind kind, std::uint32_t payload, bool last) {
  return OutFpdu{kind, last, payload, size_of(kind, payload), 0};
}

void put_start(ddp::Start& start, std::uint32_t ulpdu, bool tagged, bool last,
               rdmap::Opcode opcode) {
  start.ulpdu_length = static_cast<std::uint16_t>(ulpdu);
  start.ddp_control = static_cast<std::uint8_t>((tagged ? ddp::control_tagged : 0) |
                                                (last ? ddp::control_last : 0) | ddp::version);
  start.rdmap_control =
      static_cast<std::uint8_t>(rdmap::version_bits | static_cast<std::uint8_t>(opcode));
}

void add_piece(Batch& batch, std::byte* data, std::size_t length) {
  if (batch.piece_count > 0) {
    iovec& last = batch.pieces[batch.piece_count - 1];
    if (static_cast<std::byte*>(last.iov_base) + last.iov_len == data) {
      last.iov_len += length;
      return;
    }
  }
  batch.pieces[batch.piece_count++] = {data, length};
}

// Memory for `length` bytes that follow what is already in the batch.
std::byte* add_scratch(Batch& batch, std::size_t length) {
  std::byte* const data = batch.scratch.data() + batch.scratch_used;
  batch.scratch_used += length;
  add_piece(batch, data, length);
  return data;
}

// The first `bytes` have been sent before.
void drop_front(Batch& batch, std::size_t bytes) {
  batch.bytes -= bytes;
  while (bytes > 0) {
    iovec& piece = batch.pieces[batch.first_piece];
    const std::size_t step = std::min(bytes, piece.iov_len);
    piece.iov_base = static_cast<std::byte*>(piece.iov_base) + step;
    piece.iov_len -= step;
    bytes -= step;
    if (piece.iov_len == 0) ++batch.first_piece;
  }
}

}  // namespace

Transmitter::Transmitter(const Settings& settings, Ring<OutstandingRead>& outstanding,
                         Ring<InboundRead>& inbound)
    : settings_(settings),
      max_tagged_(payload_room(settings.max_fpdu, sizeof(ddp::Tagged))),
      max_untagged_(payload_room(settings.max_fpdu, sizeof(ddp::Untagged))),
      outstanding_(outstanding),
      inbound_(inbound),
      open_(!settings.wait_for_peer) {
  position_.rtr = settings.rtr;
}

void Transmitter::start_work(Position& at, SendWork* work) {
  at.work = work;
  at.remote = 0;
  at.remote_done = 0;
  at.send_done = 0;
  at.write_left = work == nullptr ? 0 : work->length;
  at.local = work == nullptr ? Cursor() : Cursor(work->local);
}

void Transmitter::start_read(Position& at, ReadWork* read) {
  at.read = read;
  at.source = 0;
  at.source_done = 0;
  at.read_left = read == nullptr ? 0 : read->length;
  at.sink = read == nullptr ? Cursor() : Cursor(read->local);
  if (read == nullptr) return;
  std::uint64_t skip = read->remote_offset;
  while (skip >= read->remote[at.source].length) skip -= read->remote[at.source++].length;
  at.source_done = static_cast<std::uint32_t>(skip);
}

void Transmitter::post(SendWork& work) {
  std::uint64_t remote = 0;
  for (const RemoteSegment& segment : work.remote) remote += segment.length;
  CHECK(work.length == 0 || (remote >= work.length && total_length(work.local) >= work.length));
  works_.push(work);
  queued_bytes_ += work.length + work.iu.size();
  if (position_.work == nullptr) start_work(position_, &work);
}

bool Transmitter::post(ReadWork& work) {
  if (work.length == 0 || settings_.read_depth == 0) {
    work.cookie = static_cast<std::uint64_t>(work.length == 0 ? 0 : -EIO);
    return false;
  }
  std::uint64_t remote = 0;
  for (const RemoteSegment& segment : work.remote) remote += segment.length;
  CHECK(remote >= work.remote_offset + work.length && total_length(work.local) >= work.length);
  reads_.push(work);
  if (position_.read == nullptr) start_read(position_, &work);
  return true;
}

ReadWork* Transmitter::read_done() { return reads_.pop(); }

// Untagged messages go between the FPDUs of a tagged one, which RFC 5041 5.3 allows for one tagged
// and one untagged message at a time: answers and requests do not wait behind bulk data.
OutFpdu Transmitter::choose(Position& at) {
  if (at.rtr == Rtr::write) return make(Kind::rtr_write, 0, true);
  if (at.rtr == Rtr::read) return make(Kind::rtr_read, 0, true);
  if (at.sending) return next_send(at);
  if (at.read != nullptr && at.outstanding < settings_.read_depth)
    return make(Kind::read_request, 0, true);
  const bool can_send = at.work != nullptr && at.write_left == 0;
  if (at.tagged == Tagged::response) return can_send ? next_send(at) : next_response(at);
  if (at.tagged == Tagged::write) return next_write(at);
  const bool has_response = at.response < inbound_.size();
  if (has_response && (at.prefer_response || at.work == nullptr)) return next_response(at);
  if (at.work == nullptr) return {};
  return can_send ? next_send(at) : next_write(at);
}

OutFpdu Transmitter::next_write(const Position& at) const {
  std::size_t index = at.remote;
  std::uint32_t done = at.remote_done;
  while (done == at.work->remote[index].length) {
    ++index;
    done = 0;
  }
  const std::uint32_t left = std::min(at.write_left, at.work->remote[index].length - done);
  const std::uint32_t payload = within_pieces(at.local, std::min(left, max_tagged_));
  return make(Kind::write, payload, payload == left);
}

OutFpdu Transmitter::next_send(const Position& at) const {
  const auto left = static_cast<std::uint32_t>(at.work->iu.size()) - at.send_done;
  if (left == 0) {
    OutFpdu fpdu;
    fpdu.kind = Kind::nothing;
    return fpdu;
  }
  const std::uint32_t payload = std::min(left, max_untagged_);
  return make(Kind::send, payload, payload == left);
}

OutFpdu Transmitter::next_response(const Position& at) {
  const auto left =
      static_cast<std::uint32_t>(inbound_[at.response].source.size()) - at.response_done;
  const std::uint32_t payload = std::min(left, max_tagged_);
  return make(Kind::response, payload, payload == left);
}

OutstandingRead Transmitter::outstanding_of(const Position& at) const {
  OutstandingRead read;
  read.work = at.read;
  read.sink = at.sink;
  read.stag = at.read_msn;
  read.left = std::min(at.read_left, at.read->remote[at.source].length - at.source_done);
  read.last_of_work = read.left == at.read_left;
  return read;
}

bool Transmitter::advance(Position& at, const OutFpdu& fpdu) {
  switch (fpdu.kind) {
    case Kind::none:
      return false;
    case Kind::rtr_write:
      at.rtr = Rtr::none;
      return false;
    case Kind::rtr_read:
      at.rtr = Rtr::none;
      ++at.read_msn;
      ++at.outstanding;
      return false;
    case Kind::read_request: {
      const std::uint32_t length = outstanding_of(at).left;
      ++at.read_msn;
      ++at.outstanding;
      at.sink.skip(length);
      at.read_left -= length;
      if (at.read_left == 0) {
        start_read(at, at.read->next);
      } else {
        do {
          ++at.source;
        } while (at.read->remote[at.source].length == 0);
        at.source_done = 0;
      }
      return false;
    }
    case Kind::response:
      at.response_done += fpdu.payload;
      at.tagged = fpdu.last ? Tagged::none : Tagged::response;
      if (fpdu.last) {
        at.response_done = 0;
        ++at.response;
        at.prefer_response = false;
      }
      return false;
    case Kind::write:
      while (at.remote_done == at.work->remote[at.remote].length) {
        ++at.remote;
        at.remote_done = 0;
      }
      at.remote_done += fpdu.payload;
      at.write_left -= fpdu.payload;
      at.local.skip(fpdu.payload);
      at.tagged = fpdu.last ? Tagged::none : Tagged::write;
      if (at.write_left > 0 || !at.work->iu.empty()) return false;
      break;
    case Kind::send:
      at.send_done += fpdu.payload;
      at.sending = !fpdu.last;
      if (!fpdu.last) return false;
      ++at.send_msn;
      break;
    case Kind::nothing:
      break;
  }
  at.prefer_response = true;
  start_work(at, at.work->next);
  return true;
}

bool Transmitter::fits(const Batch& batch, const OutFpdu& fpdu, std::uint32_t fill) const {
  if (batch.fpdu_count == Batch::max_fpdus ||
      batch.scratch_used + fpdu_scratch > Batch::scratch_size ||
      batch.piece_count + fpdu_pieces + 2 > Batch::max_pieces)
    return false;
  if (batch.bytes == 0) return true;
  if (batch.bytes + fpdu.size > Batch::enough_bytes) return false;
  return settings_.segment == 0 || fill == 0 || fill + fpdu.size <= settings_.segment;
}

bool Transmitter::build(Batch& batch) {
  batch.first_piece = batch.piece_count = batch.fpdu_count = batch.scratch_used = batch.bytes = 0;
  if (!open_) return false;
  Position at = position_;
  at.outstanding = outstanding_.size();
  std::uint32_t fill = 0;  // of the last TCP segment
  while (true) {
    // The rest of a partly sent FPDU comes first, and with the CRC it began with: memory that is
    // read by the peer may have changed meanwhile.
    const bool resumed = batch.fpdu_count == 0 && partial_sent_ > 0;
    OutFpdu fpdu = resumed ? partial_ : choose(at);
    if (fpdu.kind == Kind::none || !fits(batch, fpdu, fill)) break;
    if (fpdu.kind != Kind::nothing) emit(batch, fpdu, at, resumed);
    batch.fpdus[batch.fpdu_count++] = fpdu;
    advance(at, fpdu);
    if (settings_.segment != 0) fill = (fill + fpdu.size) % settings_.segment;
  }
  if (partial_sent_ > 0) drop_front(batch, partial_sent_);
  return batch.fpdu_count > 0;
}

std::size_t Transmitter::read_request_header(std::byte* out, const OutFpdu& fpdu,
                                             const Position& at) const {
  auto& header = *new (out) rdmap::ReadRequest{};
  put_start(header.header.start, sizeof header - mpa::length_field, false, true,
            rdmap::Opcode::read_request);
  header.header.queue = rdmap::read_queue;
  header.header.msn = at.read_msn;
  header.sink_stag = at.read_msn;
  if (fpdu.kind == Kind::rtr_read) {
    // Nothing is read; adapters want to see a source STag that is not 0.
    header.source_stag = 1;
    return sizeof header;
  }
  const OutstandingRead read = outstanding_of(at);
  const RemoteSegment& source = at.read->remote[at.source];
  header.size = read.left;
  header.source_stag = source.key;
  header.source_offset = source.address + at.source_done;
  return sizeof header;
}

std::size_t Transmitter::write_header(std::byte* out, const OutFpdu& fpdu, const Position& at) {
  const std::uint32_t ulpdu =
      header_bytes(fpdu.kind) - static_cast<std::uint32_t>(mpa::length_field) + fpdu.payload;
  switch (fpdu.kind) {
    case Kind::write: {
      std::size_t index = at.remote;
      std::uint32_t done = at.remote_done;
      while (done == at.work->remote[index].length) {
        ++index;
        done = 0;
      }
      auto& header = *new (out) ddp::Tagged{};
      put_start(header.start, ulpdu, true, fpdu.last, rdmap::Opcode::write);
      header.stag = at.work->remote[index].key;
      header.offset = at.work->remote[index].address + done;
      return sizeof header;
    }
    case Kind::rtr_write: {
      auto& header = *new (out) ddp::Tagged{};
      put_start(header.start, ulpdu, true, true, rdmap::Opcode::write);
      header.stag = 1;
      return sizeof header;
    }
    case Kind::response: {
      const InboundRead& read = inbound_[at.response];
      auto& header = *new (out) ddp::Tagged{};
      put_start(header.start, ulpdu, true, fpdu.last, rdmap::Opcode::read_response);
      header.stag = read.sink_stag;
      header.offset = read.sink_offset + at.response_done;
      return sizeof header;
    }
    case Kind::send: {
      auto& header = *new (out) ddp::Untagged{};
      put_start(header.start, ulpdu, false, fpdu.last,
                at.work->solicited ? rdmap::Opcode::send_solicited : rdmap::Opcode::send);
      header.queue = rdmap::send_queue;
      header.msn = at.send_msn;
      header.offset = at.send_done;
      return sizeof header;
    }
    default:
      return read_request_header(out, fpdu, at);
  }
}

Cursor Transmitter::payload_of(const OutFpdu& fpdu, const Position& at, iovec& one) {
  switch (fpdu.kind) {
    case Kind::write:
      return at.local;
    case Kind::send:
      one = {const_cast<std::byte*>(at.work->iu.data()) + at.send_done, fpdu.payload};
      return Cursor({&one, 1});
    case Kind::response:
      one = {const_cast<std::byte*>(inbound_[at.response].source.data()) + at.response_done,
             fpdu.payload};
      return Cursor({&one, 1});
    default:
      return {};
  }
}

void Transmitter::emit(Batch& batch, OutFpdu& fpdu, const Position& at, bool crc_known) {
  std::byte* const header = add_scratch(batch, header_bytes(fpdu.kind));
  const std::size_t header_length = write_header(header, fpdu, at);
  const bool sum_now = settings_.crc && !crc_known;
  Crc32c sum;
  if (sum_now) sum.add(header, header_length);

  iovec one;
  Cursor from = payload_of(fpdu, at, one);
  std::byte* copy = fpdu.payload <= inline_payload && fpdu.payload > 0
                        ? add_scratch(batch, fpdu.payload)
                        : nullptr;
  for (std::size_t left = fpdu.payload; left > 0;) {
    const auto piece = from.piece(left);
    CHECK(!piece.empty());
    if (copy != nullptr) {
      std::memcpy(copy, piece.data(), piece.size());
      copy += piece.size();
    } else {
      add_piece(batch, piece.data(), piece.size());
    }
    if (sum_now) sum.add(piece.data(), piece.size());
    from.advance(piece.size());
    left -= piece.size();
  }

  const std::size_t pad = fpdu.size - header_length - fpdu.payload - mpa::crc_field;
  std::byte* const trailer = add_scratch(batch, pad + mpa::crc_field);
  std::memset(trailer, 0, pad + mpa::crc_field);
  if (sum_now) {
    if (pad > 0) sum.add(trailer, pad);
    fpdu.crc = sum.value();
  }
  if (settings_.crc) std::memcpy(trailer + pad, &fpdu.crc, sizeof fpdu.crc);
  batch.bytes += fpdu.size;
}

void Transmitter::sent(const Batch& batch, std::size_t bytes, WorkQueue<SendWork>& done) {
  bytes += std::exchange(partial_sent_, 0);
  for (std::size_t i = 0; i < batch.fpdu_count; ++i) {
    const OutFpdu& fpdu = batch.fpdus[i];
    if (bytes < fpdu.size) {
      partial_ = fpdu;
      partial_sent_ = bytes;
      return;
    }
    bytes -= fpdu.size;
    if (fpdu.kind == Kind::read_request) outstanding_.push(outstanding_of(position_));
    if (fpdu.kind == Kind::rtr_read) {
      OutstandingRead empty;
      empty.stag = position_.read_msn;
      outstanding_.push(empty);
    }
    const bool completes = advance(position_, fpdu);
    if (position_.response > 0) {
      inbound_.pop();
      position_.response = 0;
    }
    if (!completes) continue;
    SendWork* const work = works_.pop();
    queued_bytes_ -= work->length + work->iu.size();
    work->cookie = 0;
    done.push(*work);
  }
}

bool Transmitter::memory_withdrawn(std::uint32_t stag) {
  for (std::size_t i = 0; i < inbound_.size(); ++i) {
    if (!inbound_[i].source.empty() && inbound_[i].source_stag == stag) return false;
  }
  return true;
}

void Transmitter::abandon_reads(WorkQueue<ReadWork>& out) {
  start_read(position_, nullptr);
  while (ReadWork* const work = reads_.pop()) {
    work->cookie = static_cast<std::uint64_t>(-ECONNRESET);
    out.push(*work);
  }
}

void Transmitter::abandon_sends(WorkQueue<SendWork>& out) {
  start_work(position_, nullptr);
  partial_sent_ = 0;
  queued_bytes_ = 0;
  while (SendWork* const work = works_.pop()) {
    work->cookie = static_cast<std::uint64_t>(-ECONNRESET);
    out.push(*work);
  }
}

}  // namespace srpd::transport::iwarp
