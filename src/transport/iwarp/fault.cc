#include "transport/iwarp/fault.h"

#include <cstdio>
#include <cstring>

#include "transport/iwarp/crc32c.h"

namespace srpd::transport::iwarp {
namespace {

using namespace wire;

// Header bytes of the offending FPDU that a Terminate repeats: everything behind the length field.
std::span<const std::byte> repeated_header(const Fault& fault) {
  if (fault.header_length < sizeof(ddp::Tagged)) return {};
  return std::span(fault.header)
      .subspan(mpa::length_field, fault.header_length - mpa::length_field);
}

const char* layer_name(unsigned layer) {
  switch (static_cast<rdmap::Layer>(layer)) {
    case rdmap::Layer::rdmap:
      return "RDMAP";
    case rdmap::Layer::ddp:
      return "DDP";
    case rdmap::Layer::llp:
      return "MPA";
  }
  return "unknown layer";
}

}  // namespace

std::size_t encode_terminate(const Fault& fault, bool crc,
                             std::span<std::byte, max_terminate> out) {
  std::memset(out.data(), 0, out.size());
  const auto repeated = rdmap::layer_of(fault.code) == rdmap::Layer::llp
                            ? std::span<const std::byte>{}
                            : repeated_header(fault);
  auto* const message = view_mut<rdmap::Terminate>(out);
  std::byte* end = out.data() + sizeof *message;
  message->header.start.ddp_control = ddp::control_last | ddp::version;
  message->header.start.rdmap_control =
      rdmap::version_bits | static_cast<std::uint8_t>(rdmap::Opcode::terminate);
  message->header.queue = rdmap::terminate_queue;
  message->header.msn = 1;
  message->layer_and_type = static_cast<std::uint8_t>(static_cast<std::uint16_t>(fault.code) >> 8);
  message->code = static_cast<std::uint8_t>(static_cast<std::uint16_t>(fault.code) & 0xff);
  if (!repeated.empty()) {
    message->included = rdmap::has_segment_length | rdmap::has_ddp_header;
    if (repeated.size() == sizeof(rdmap::ReadRequest) - mpa::length_field)
      message->included |= rdmap::has_rdmap_header;
    // The segment length is the ULPDU length of the offender.
    std::memcpy(end, fault.header.data(), mpa::length_field);
    end += mpa::length_field;
    std::memcpy(end, repeated.data(), repeated.size());
    end += repeated.size();
  }
  const auto ulpdu = static_cast<std::uint32_t>(end - out.data()) - mpa::length_field;
  message->header.start.ulpdu_length = static_cast<std::uint16_t>(ulpdu);
  end += mpa::pad_of(static_cast<std::uint32_t>(ulpdu));
  if (crc) {
    Crc32c sum;
    sum.add(out.data(), static_cast<std::size_t>(end - out.data()));
    const std::uint32_t value = sum.value();
    std::memcpy(end, &value, sizeof value);
  }
  return static_cast<std::size_t>(end - out.data()) + mpa::crc_field;
}

TerminateText describe_terminate(std::span<const std::byte> control) {
  TerminateText out;
  if (control.size() < 4) {
    std::snprintf(out.text.data(), out.text.size(), "Terminate without a reason");
    return out;
  }
  const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(control[i]); };
  unsigned layer = byte(0) >> 4;
  unsigned type = byte(0) & 0xf;
  // Linux' siw writes its bit fields in host order: layer and type swapped, the three flags in the
  // low bits of the third byte. A conforming sender leaves those bits zero.
  if ((byte(2) & 0x1f) != 0) std::swap(layer, type);
  std::snprintf(out.text.data(), out.text.size(), "Terminate: %s, error type %u, code %u",
                layer_name(layer), type, byte(1));
  return out;
}

}  // namespace srpd::transport::iwarp
