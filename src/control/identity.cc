#include "control/identity.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "base/random.h"

namespace srpd::control {
namespace {

struct Digest {
  std::uint64_t high = 0, low = 0;
};

/// 128 bits of FNV-1a, mixed once more so that near inputs differ in every digit. The texts are not
/// secret and nobody gains by a collision of his own disks.
Digest digest(std::string_view purpose, std::string_view machine, std::string_view what) {
  __extension__ using Wide = unsigned __int128;
  const Wide prime = (Wide{1} << 88) + 0x13b;
  Wide hash = (Wide{0x6c62272e07bb0142u} << 64) + 0x62b821756295c58du;
  for (const std::string_view part : {purpose, machine, what}) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * prime;
    hash *= prime;  // the end of a part counts
  }
  const auto high = static_cast<std::uint64_t>(hash >> 64), low = static_cast<std::uint64_t>(hash);
  return {Random(high ^ (low << 1 | low >> 63)).next(), Random(low ^ (high >> 3)).next()};
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

tl::unexpected<Error> not_a_port(std::string_view text) {
  return failure("port identifier '" + std::string(text) + "'", "not of a known form",
                 "write ib. or 0x and 32 hex digits, or a GUID such as 0002:c903:000e:8acc");
}

scsi::PortId port_id(std::uint64_t extension, std::uint64_t guid) {
  scsi::PortId id;
  for (unsigned i = 0; i < 8; ++i) {
    id[i] = static_cast<std::byte>(extension >> (56 - 8 * i));
    id[i + 8] = static_cast<std::byte>(guid >> (56 - 8 * i));
  }
  return id;
}

}  // namespace

std::string machine_seed() {
  std::ifstream in("/etc/machine-id");
  if (std::string id; in >> id && id.size() >= 32) return id;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

std::string derived_serial(std::string_view machine, std::string_view what) {
  const Digest d = digest("unit serial", machine, what);
  return fmt::format("{:08x}-{:04x}-8{:03x}-{:x}{:03x}-{:012x}", d.high >> 32,
                     d.high >> 16 & 0xffff, d.high & 0xfff, 8 + (d.low >> 62), d.low >> 48 & 0xfff,
                     d.low & 0xffff'ffff'ffff);
}

scsi::PortId derived_port_id(std::string_view machine) {
  // EUI-64: the locally administered bit set, the group bit clear.
  const std::uint64_t guid = (digest("target port", machine, "").high | std::uint64_t{2} << 56) &
                             ~(std::uint64_t{1} << 56);
  return port_id(guid, guid);
}

Expected<scsi::PortId> parse_port_id(std::string_view text) {
  const bool prefixed = text.starts_with("ib.") || text.starts_with("0x");
  const std::string_view body = prefixed ? text.substr(text[0] == 'i' ? 3 : 2) : text;
  std::string digits;
  for (const char c : body) {
    if (c == ':') continue;
    if (hex_value(c) < 0 || digits.size() == 32) return not_a_port(text);
    digits += c;
  }
  const bool guid = !prefixed && digits.size() == 16;
  if (digits.empty() || (!guid && !prefixed && digits.size() != 32)) return not_a_port(text);
  if (guid) digits += digits;
  digits.insert(0, 32 - digits.size(), '0');
  scsi::PortId id;
  for (std::size_t i = 0; i < id.size(); ++i)
    id[i] = static_cast<std::byte>(hex_value(digits[2 * i]) << 4 | hex_value(digits[2 * i + 1]));
  return id;
}

std::string hex(const scsi::PortId& id) {
  std::string text;
  for (const std::byte b : id) text += fmt::format("{:02x}", static_cast<unsigned>(b));
  return text;
}

}  // namespace srpd::control
