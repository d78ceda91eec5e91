#include "dnssd/service.h"

#include <algorithm>

namespace srpd::dnssd {
namespace {

constexpr std::size_t max_entry = 255;
constexpr std::size_t max_name = 63;
constexpr std::size_t max_keys = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

void add_txt_entry(Txt& txt, std::span<const std::uint8_t> entry) {
  const std::string_view text(reinterpret_cast<const char*>(entry.data()), entry.size());
  const std::size_t sign = text.find('=');
  std::string key(text.substr(0, sign));
  if (key.empty() || text.size() > max_entry || txt.size() >= max_keys || !printable(text)) return;
  std::transform(key.begin(), key.end(), key.begin(), lower);
  txt.emplace(std::move(key),
              sign == std::string_view::npos ? std::string() : std::string(text.substr(sign + 1)));
}

std::vector<std::string> txt_entries(const Txt& txt) {
  std::vector<std::string> entries;
  for (const auto& [key, value] : txt) entries.push_back((key + "=" + value).substr(0, max_entry));
  return entries;
}

std::string instance_name(std::string_view text) {
  std::size_t length = std::min(text.size(), max_name);
  // Not in the middle of a UTF-8 sequence.
  while (length < text.size() && length > 0 &&
         (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80)
    --length;
  return std::string(text.substr(0, length));
}

}  // namespace srpd::dnssd
