// The tree by names, as rtslib sees it: values of attributes, directories one below another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tree/directory.h"

namespace srpd::control {

/// Without the newline at its end. Nothing where the attribute is not there or cannot be read.
std::optional<std::string> attribute_text(const tree::Directory& directory, std::string_view name);
/// A decimal number with nothing else in it.
std::optional<std::int64_t> attribute_number(const tree::Directory& directory,
                                             std::string_view name);
std::optional<std::int64_t> decimal(std::string_view text);
/// The last "KEY: VALUE" of a text, VALUE without blanks and colons: how `info` is read.
std::optional<std::string> info_value(std::string_view info, std::string_view key);

/// LIO's directory prefix and rtslib's name of a kind of backstore.
struct BackstoreKind {
  std::string_view directory, plugin;
};
inline constexpr BackstoreKind backstore_kinds[] = {{"rd_mcp", "ramdisk"},
                                                    {"fileio", "fileio"},
                                                    {"iblock", "block"},
                                                    {"pscsi", "pscsi"},
                                                    {"user", "user"}};
/// Of "rd_mcp_0"; null for other directories.
const BackstoreKind* kind_of_hba(std::string_view directory);
const BackstoreKind* kind_of_plugin(std::string_view plugin);

/// Bytes, as `info` of a backstore tells; 0: those of what is behind it.
std::uint64_t configured_size(std::string_view info, std::string_view plugin);

/// The ib. form in which rtslib writes 0x names; others stay.
std::string saved_name(std::string_view directory);
std::string directory_name(std::string_view saved);

/// N of "lun_N".
std::optional<std::int64_t> lun_number(std::string_view directory);

}  // namespace srpd::control
