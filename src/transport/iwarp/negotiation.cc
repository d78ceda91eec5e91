#include "transport/iwarp/negotiation.h"

#include <algorithm>
#include <cstring>

namespace srpd::transport::iwarp {
namespace {

using namespace wire::mpa;

const char* key_of(FrameKind kind) { return kind == FrameKind::request ? request_key : reply_key; }

std::uint16_t clamp_depth(std::uint32_t wanted) {
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(wanted, max_read_depth));
}

/// How many reads we keep outstanding towards a peer that holds `peer_ird`.
std::uint16_t outbound_depth(std::uint32_t wanted, std::uint16_t peer_ird) {
  const std::uint16_t bound = peer_ird == depth_unspecified ? default_read_depth : peer_ird;
  // An ORD of 0 in a Reply makes siw refuse every later Read Request, so say at least 1 wherever
  // the peer holds any.
  return std::min(std::max<std::uint16_t>(clamp_depth(wanted), 1), bound);
}

// Write first: nothing has to be sent back and it takes no read slot.
Rtr choose_rtr(const MpaSetup& offered) {
  if (!offered.peer_to_peer) return Rtr::none;
  if (offered.rtr_write) return Rtr::write;
  if (offered.rtr_read) return Rtr::read;
  if (offered.rtr_send) return Rtr::send;
  return Rtr::none;
}

}  // namespace

FrameCheck check_frame(std::span<const std::byte> received, FrameKind kind) {
  const std::size_t compared = std::min(received.size(), key_length);
  if (std::memcmp(received.data(), key_of(kind), compared) != 0)
    return {"not an MPA frame", sizeof(Frame), false};
  const auto* frame = wire::view<Frame>(received);
  if (frame == nullptr) return {nullptr, sizeof(Frame)};
  if (frame->private_data_length > max_private_data)
    return {"MPA private data longer than 512 bytes", sizeof(Frame)};
  return {nullptr, sizeof(Frame) + frame->private_data_length};
}

ParsedFrame parse_frame(std::span<const std::byte> bytes) {
  const auto* frame = wire::view<Frame>(bytes);
  if (frame == nullptr) return {"MPA frame too short", {}, {}};
  if (frame->revision != 1 && frame->revision != 2) return {"unknown MPA revision", {}, {}};
  ParsedFrame out;
  out.setup.revision = frame->revision;
  out.setup.markers = (frame->flags & flag_markers) != 0;
  out.setup.crc = (frame->flags & flag_crc) != 0;
  out.setup.reject = (frame->flags & flag_reject) != 0;
  // The bit is reserved in revision 1 and not to be looked at.
  out.setup.enhanced = frame->revision == 2 && (frame->flags & flag_enhanced) != 0;
  out.private_data = bytes.subspan(sizeof(Frame));
  if (out.private_data.size() != frame->private_data_length)
    return {"MPA private data length does not match", {}, {}};
  if (!out.setup.enhanced) return out;

  const auto* enhanced = wire::view<Enhanced>(out.private_data);
  if (enhanced == nullptr) return {"enhanced MPA frame without read depths", {}, {}};
  out.private_data = out.private_data.subspan(sizeof(Enhanced));
  out.setup.peer_to_peer = (enhanced->ird & ird_peer_to_peer) != 0;
  out.setup.rtr_send = (enhanced->ird & ird_rtr_send) != 0;
  out.setup.rtr_write = (enhanced->ord & ord_rtr_write) != 0;
  out.setup.rtr_read = (enhanced->ord & ord_rtr_read) != 0;
  out.setup.ird = enhanced->ird & depth_mask;
  out.setup.ord = enhanced->ord & depth_mask;
  return out;
}

std::size_t encode_frame(FrameKind kind, const MpaSetup& setup,
                         std::span<const std::byte> private_data, FrameBuffer& out) {
  const std::size_t length = private_data.size() + (setup.enhanced ? sizeof(Enhanced) : 0);
  if (length > safe_private_data) return 0;
  Frame frame{};
  std::memcpy(frame.key, key_of(kind), key_length);
  frame.flags = static_cast<std::uint8_t>(
      (setup.markers ? flag_markers : 0) | (setup.crc ? flag_crc : 0) |
      (setup.reject ? flag_reject : 0) | (setup.enhanced ? flag_enhanced : 0));
  frame.revision = setup.revision;
  frame.private_data_length = static_cast<std::uint16_t>(length);
  std::byte* at = out.data();
  std::memcpy(at, &frame, sizeof frame);
  at += sizeof frame;
  if (setup.enhanced) {
    Enhanced enhanced{};
    enhanced.ird = static_cast<std::uint16_t>((setup.peer_to_peer ? ird_peer_to_peer : 0) |
                                              (setup.rtr_send ? ird_rtr_send : 0) | setup.ird);
    enhanced.ord = static_cast<std::uint16_t>((setup.rtr_write ? ord_rtr_write : 0) |
                                              (setup.rtr_read ? ord_rtr_read : 0) | setup.ord);
    std::memcpy(at, &enhanced, sizeof enhanced);
    at += sizeof enhanced;
  }
  if (!private_data.empty()) std::memcpy(at, private_data.data(), private_data.size());
  return sizeof frame + length;
}

Response respond(const MpaSetup& request, const Wishes& wishes) {
  Response out;
  if (request.markers) {
    out.error = "the peer wants MPA markers, which are not supported";
    out.reply = rejection(request);
    return out;
  }
  Agreement& agreement = out.agreement;
  agreement.revision = request.revision;
  agreement.crc = request.crc || wishes.crc;
  agreement.hardware_like = request.crc || request.peer_to_peer;
  agreement.inbound_reads = clamp_depth(wishes.inbound_reads);
  agreement.outbound_reads =
      outbound_depth(wishes.outbound_reads, request.enhanced ? request.ird : depth_unspecified);
  agreement.rtr = choose_rtr(request);
  if (!request.enhanced || agreement.rtr == Rtr::read) {
    // Without negotiation, adapters that default to peer-to-peer send their RTR anyway, possibly an
    // RDMA Read.
    agreement.inbound_reads = std::max<std::uint16_t>(agreement.inbound_reads, 1);
  }

  MpaSetup& reply = out.reply;
  reply.revision = request.revision;
  reply.crc = agreement.crc;
  reply.enhanced = request.enhanced;
  reply.peer_to_peer = agreement.rtr != Rtr::none;
  reply.rtr_send = agreement.rtr == Rtr::send;
  reply.rtr_write = agreement.rtr == Rtr::write;
  reply.rtr_read = agreement.rtr == Rtr::read;
  reply.ird = agreement.inbound_reads;
  reply.ord = agreement.outbound_reads;
  return out;
}

MpaSetup rejection(const MpaSetup& request) {
  MpaSetup reply;
  reply.revision = request.revision;
  reply.reject = true;
  // siw 6.1 takes the depths as present whenever it asked for them.
  reply.enhanced = request.enhanced;
  reply.ord = default_read_depth;
  return reply;
}

MpaSetup make_request(std::uint8_t revision, const Wishes& wishes, bool offer_rtr_write,
                      bool offer_rtr_read) {
  MpaSetup request;
  request.revision = revision;
  request.crc = wishes.crc;
  request.enhanced = revision >= 2;
  if (!request.enhanced) return request;
  request.peer_to_peer = offer_rtr_write || offer_rtr_read;
  request.rtr_write = offer_rtr_write;
  request.rtr_read = offer_rtr_read;
  request.ird = clamp_depth(wishes.inbound_reads);
  request.ord = clamp_depth(wishes.outbound_reads);
  if (offer_rtr_read) request.ord = std::max<std::uint16_t>(request.ord, 1);
  return request;
}

Verdict evaluate(const MpaSetup& request, const MpaSetup& reply, const Wishes& wishes) {
  using wire::rdmap::ErrorCode;
  const auto failed = [](const char* error, ErrorCode code) {
    return Verdict{Verdict::Kind::failed, error, code, {}};
  };
  if (reply.revision != request.revision)
    return failed("the MPA Reply has another revision", ErrorCode::mpa_frame);
  if (request.enhanced && !reply.enhanced)
    return failed("the MPA Reply lacks the read depths", ErrorCode::mpa_frame);
  if (reply.reject) return Verdict{Verdict::Kind::rejected, nullptr, ErrorCode::mpa_frame, {}};
  if (reply.markers)
    return failed("the peer wants MPA markers, which are not supported", ErrorCode::mpa_frame);

  Verdict out;
  out.kind = Verdict::Kind::accepted;
  Agreement& agreement = out.agreement;
  agreement.revision = reply.revision;
  agreement.crc = request.crc || reply.crc;
  agreement.hardware_like = reply.crc && !request.crc;
  // What the peer wants beyond our offer is granted, as siw does: some targets ask for more than
  // they were offered.
  std::uint16_t peer_ord = clamp_depth(reply.ord);
  // Where MPA cannot say it, the peer assumes what every adapter has.
  if (!reply.enhanced || reply.ord == depth_unspecified) peer_ord = default_read_depth;
  agreement.inbound_reads = std::max(clamp_depth(wishes.inbound_reads), peer_ord);
  agreement.outbound_reads =
      std::min(clamp_depth(wishes.outbound_reads),
               !reply.enhanced || reply.ird == depth_unspecified ? default_read_depth : reply.ird);
  if (request.peer_to_peer) {
    if (request.rtr_write && reply.rtr_write)
      agreement.rtr = Rtr::write;
    else if (request.rtr_read && reply.rtr_read && reply.ird > 0)
      agreement.rtr = Rtr::read;
    if (!reply.peer_to_peer || agreement.rtr == Rtr::none)
      return failed("no kind of RTR in common with the peer", ErrorCode::mpa_no_common_rtr);
  }
  return out;
}

}  // namespace srpd::transport::iwarp
