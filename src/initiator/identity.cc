#include "initiator/identity.h"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <fstream>

#include "base/random.h"
#include "initiator/url.h"

namespace srpd::initiator {
namespace {

std::string machine_seed() {
  std::ifstream file("/etc/machine-id");
  std::string line;
  if (std::getline(file, line) && !line.empty()) return line;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) return name.data();
  return "srp";
}

}  // namespace

// FNV-1a over the text, spread by SplitMix64. 64 bits of hash do not lead back to the 128 bits of a
// machine-id.
srp::PortId initiator_id_from(std::string_view seed) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : std::string("srp-initiator:") + std::string(seed)) {
    hash ^= static_cast<std::uint8_t>(c);
    hash *= 0x100000001b3u;
  }
  // The extension stays zero, as Linux' initiator has it by default; the GUID half is ours.
  srp::PortId id{};
  std::uint64_t guid = Random(hash).next();
  // Locally administered EUI-64: never equal to that of a card.
  guid = (guid & ~(std::uint64_t{3} << 56)) | std::uint64_t{2} << 56;
  for (std::size_t i = 0; i < 8; ++i) id[8 + i] = static_cast<std::byte>(guid >> (56 - 8 * i));
  return id;
}

srp::PortId default_initiator_id() { return initiator_id_from(machine_seed()); }

Expected<srp::PortId> parse_initiator_id(std::string_view text) {
  const auto id = parse_port_id(text);
  if (!id)
    return failure(
        fmt::format("initiator id \"{}\"", text), "not 16 or 32 hexadecimal digits",
        "write for example 0000000000000000" + text_of(default_initiator_id()).substr(16));
  return *id;
}

std::string allow_hint(const srp::PortId& initiator) {
  return fmt::format("allow initiator 0x{} on the target (an ACL of that name), or its address",
                     text_of(initiator));
}

}  // namespace srpd::initiator
