// MPA connection set-up (RFC 5044 7, RFC 6581) as pure functions: frames from and to bytes, and the
// rules by which both ends agree on revision, CRC, read depths and the kind of RTR.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "wire/mpa.h"
#include "wire/rdmap.h"

namespace srpd::transport::iwarp {

/// The first FPDU of an initiator in peer-to-peer mode, RFC 6581 5.
enum class Rtr : std::uint8_t { none, send, write, read };

enum class FrameKind : std::uint8_t { request, reply };

/// What a frame says.
struct MpaSetup {
  std::uint8_t revision = 2;
  bool markers = false;
  bool crc = false;
  bool reject = false;
  bool enhanced = false;  ///< the fields from here on are meaningful
  bool peer_to_peer = false;
  bool rtr_send = false;
  bool rtr_write = false;
  bool rtr_read = false;
  std::uint16_t ird = 0;
  std::uint16_t ord = 0;
};

/// What both ends agreed on, from the view of one.
struct Agreement {
  std::uint8_t revision = 2;
  bool crc = false;
  /// The peer asked for CRC or peer-to-peer mode: its adapter wants FPDUs aligned with TCP
  /// segments.
  bool hardware_like = false;
  std::uint16_t inbound_reads = 0;   ///< the peer's reads we hold at once
  std::uint16_t outbound_reads = 0;  ///< ours that may be outstanding
  Rtr rtr = Rtr::none;
};

/// What one side brings to the negotiation.
struct Wishes {
  bool crc = false;
  std::uint32_t inbound_reads = 0;
  std::uint32_t outbound_reads = 0;
};

/// Read depth where MPA cannot say it (revision 1): what every known adapter has.
inline constexpr std::uint16_t default_read_depth = 4;
/// More than this is never held or kept outstanding, whatever was offered.
inline constexpr std::uint16_t max_read_depth = 128;

inline constexpr std::size_t max_frame = sizeof(wire::mpa::Frame) + wire::mpa::max_private_data;
using FrameBuffer = std::array<std::byte, max_frame>;

/// Looks at the beginning of a frame, however little of it has arrived.
struct FrameCheck {
  const char* error = nullptr;  ///< not null: this will never be an acceptable frame
  std::size_t length = 0;       ///< so many bytes are needed; final once a whole Frame is there
  bool mpa = true;              ///< false: the peer speaks another protocol
};
FrameCheck check_frame(std::span<const std::byte> received, FrameKind kind);

/// A whole frame that check_frame accepted.
struct ParsedFrame {
  const char* error = nullptr;
  MpaSetup setup;
  std::span<const std::byte> private_data;  ///< without Enhanced
};
ParsedFrame parse_frame(std::span<const std::byte> frame);

/// The bytes of a frame in `out`; 0 when the private data are longer than every receiver takes
/// (wire::mpa::safe_private_data).
std::size_t encode_frame(FrameKind kind, const MpaSetup& setup,
                         std::span<const std::byte> private_data, FrameBuffer& out);

/// Responder. `error` not null: answer with a Reply that has the reject flag.
struct Response {
  const char* error = nullptr;
  MpaSetup reply;
  Agreement agreement;
};
Response respond(const MpaSetup& request, const Wishes& wishes);
/// The Reply that refuses.
MpaSetup rejection(const MpaSetup& request);

/// Initiator: what to ask for.
MpaSetup make_request(std::uint8_t revision, const Wishes& wishes, bool offer_rtr_write,
                      bool offer_rtr_read);

/// Initiator: what the Reply means.
struct Verdict {
  enum class Kind : std::uint8_t { accepted, rejected, failed };
  Kind kind = Kind::failed;
  const char* error = nullptr;  ///< failed
  /// Failed: what to say in a Terminate.
  wire::rdmap::ErrorCode code = wire::rdmap::ErrorCode::mpa_frame;
  Agreement agreement;
};
Verdict evaluate(const MpaSetup& request, const MpaSetup& reply, const Wishes& wishes);

}  // namespace srpd::transport::iwarp
