// Sizes and bytes as text.
#include <fmt/core.h>

#include <array>
#include <charconv>

#include "command.h"

namespace srpd::cli {

std::string hex_of(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

std::string hex_dump(std::span<const std::byte> bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const auto row = bytes.subspan(at, std::min<std::size_t>(16, bytes.size() - at));
    std::string hex, characters;
    for (const std::byte byte : row) {
      const auto c = std::to_integer<char>(byte);
      hex += fmt::format(" {:02x}", std::to_integer<unsigned>(byte));
      characters += c >= ' ' && c <= '~' ? c : '.';
    }
    text += fmt::format("{:08x} {:<48}  {}\n", at, hex, characters);
  }
  return text;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.4g} {}", value, units[unit]);
}

Expected<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  constexpr std::string_view letters = "KMGTPE";
  std::size_t power = 0;
  if (!unit.empty()) {
    const auto letter = static_cast<char>(unit[0] & ~0x20);
    power = letters.find(letter) == std::string_view::npos ? 99 : letters.find(letter) + 1;
    if (letter == 'B' && unit.size() == 1) power = 0;
    const std::string_view rest = unit.substr(1);
    if (!rest.empty() && rest != "B" && rest != "iB") power = 99;
  }
  if (text.empty() || error != std::errc{} || power == 99 ||
      (power > 0 && value > UINT64_MAX >> (10 * power)))
    return failure(fmt::format("size \"{}\"", text), "not a number of bytes",
                   "write for example 4096, 4k, 1M or 2GiB");
  return value << (10 * power);
}

}  // namespace srpd::cli
