// The five kinds of backstore: keys of `control`, what must be there before `enable`, the text of
// `info`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lio/device_spec.h"
#include "tree/failure.h"

namespace srpd::lio {

/// Takes one write to `control` into `spec`. Keys before a refused one hold.
tree::Result<void> apply_control(DeviceSpec& spec, std::string_view text, bool enabled);

/// The size in bytes that `spec` names; 0: none, it is that of what is behind it.
std::uint64_t named_size(const DeviceSpec& spec);
/// Only of plugins whose devices can be given one.
void set_named_size(DeviceSpec& spec, std::uint64_t bytes);
/// rd_pages is a positive number of 32 bits.
inline constexpr std::uint64_t max_ramdisk_bytes = std::uint64_t{INT32_MAX} * 4096;
std::uint64_t whole_pages(std::uint64_t bytes);

/// What the plugin refuses before it looks at the world outside.
tree::Result<void> check_complete(const DeviceSpec& spec);

/// The lines of `info` after the first.
struct InfoState {
  bool enabled = false;
  std::uint32_t device_number = 0;  ///< rd_mcp: among those enabled in the HBA
  std::uint32_t tables = 0;         ///< rd_mcp: table_count() when it was enabled
};
/// Tables of pages that LIO makes for a ramdisk.
std::uint32_t table_count(const DeviceSpec& spec);
std::string info_text(const DeviceSpec& spec, const DeviceProperties& properties, InfoState state);

}  // namespace srpd::lio
