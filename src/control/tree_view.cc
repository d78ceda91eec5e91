#include "control/tree_view.h"

#include <charconv>

namespace srpd::control {

std::optional<std::string> attribute_text(const tree::Directory& directory, std::string_view name) {
  for (const tree::Attribute& row : directory.attributes()) {
    if (row.name != name || !row.show) continue;
    auto text = row.show(directory);
    if (!text) return std::nullopt;
    if (text->ends_with('\n')) text->pop_back();
    return std::move(*text);
  }
  return std::nullopt;
}

std::optional<std::int64_t> decimal(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> attribute_number(const tree::Directory& directory,
                                             std::string_view name) {
  const auto text = attribute_text(directory, name);
  return text ? decimal(*text) : std::nullopt;
}

std::optional<std::string> info_value(std::string_view info, std::string_view key) {
  const std::string wanted = std::string(key) + ": ";
  const std::size_t found = info.rfind(wanted);
  if (found == std::string_view::npos) return std::nullopt;
  const std::string_view rest = info.substr(found + wanted.size());
  const std::string_view value = rest.substr(0, rest.find_first_of(": \n"));
  if (value.empty()) return std::nullopt;
  return std::string(value);
}

const BackstoreKind* kind_of_hba(std::string_view directory) {
  const std::string_view prefix = directory.substr(0, directory.rfind('_'));
  for (const BackstoreKind& kind : backstore_kinds)
    if (kind.directory == prefix && prefix.size() != directory.size()) return &kind;
  return nullptr;
}

const BackstoreKind* kind_of_plugin(std::string_view plugin) {
  for (const BackstoreKind& kind : backstore_kinds)
    if (kind.plugin == plugin) return &kind;
  return nullptr;
}

std::uint64_t configured_size(std::string_view info, std::string_view plugin) {
  constexpr std::uint64_t page_size = 4096;
  const bool pages = plugin == "ramdisk";
  const std::string text = info_value(info, pages ? "PAGES/PAGE_SIZE" : "Size").value_or("0");
  const auto number = decimal(std::string_view(text).substr(0, text.find('*')));
  return static_cast<std::uint64_t>(number.value_or(0)) * (pages ? page_size : 1);
}

std::string saved_name(std::string_view directory) {
  if (!directory.starts_with("0x")) return std::string(directory);
  return "ib." + std::string(directory.substr(2));
}

std::string directory_name(std::string_view saved) {
  if (!saved.starts_with("ib.")) return std::string(saved);
  return "0x" + std::string(saved.substr(3));
}

std::optional<std::int64_t> lun_number(std::string_view directory) {
  constexpr std::string_view prefix = "lun_";
  if (!directory.starts_with(prefix)) return std::nullopt;
  return decimal(directory.substr(prefix.size()));
}

}  // namespace srpd::control
