// The keys of `control` follow the kernel's matching: an item is KEY=VALUE without blanks, a key
// that takes a number and gets none is no match, and what matches nothing is ignored. The texts of
// `info` are parsed by rtslib: see the order of Size and SectorSize.
#include "lio/plugin.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lio/names.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

using tree::fail;
using tree::Result;

constexpr std::size_t max_file_name = 255;
constexpr std::size_t max_user_config = 255;
constexpr std::size_t max_block_path = 511;
constexpr std::uint32_t page_size = 4096;
constexpr std::uint32_t pages_per_table = 2048;
constexpr std::uint32_t pages_per_mb = 256;
constexpr std::uint32_t most_cmd_ring_mb = 8;
constexpr std::uint32_t no_limit_sectors = 0xfffffff8;

/// The number of KEY=NUMBER; nullopt: another key, or no number. One that does not fit 32 bits is
/// 0, as the kernel has it.
std::optional<std::int32_t> number_of(std::string_view item, std::string_view key) {
  const auto value = value_of(item, key);
  if (!value || value->starts_with('+')) return std::nullopt;
  const auto number = parse_signed(*value);
  if (!number) {
    if (number.error().code == ERANGE) return 0;
    return std::nullopt;
  }
  if (*number < INT32_MIN || *number > INT32_MAX) return 0;
  return static_cast<std::int32_t>(*number);
}

Result<void> ramdisk_item(DeviceSpec& spec, std::string_view item) {
  if (const auto pages = number_of(item, "rd_pages")) {
    spec.rd_pages = static_cast<std::uint32_t>(*pages);
  } else if (const auto nullio = number_of(item, "rd_nullio")) {
    if (*nullio == 1) spec.rd_nullio = true;
  } else if (const auto dummy = number_of(item, "rd_dummy")) {
    if (*dummy == 1) spec.rd_dummy = true;
  }
  return {};
}

Result<void> only_one(std::int32_t number, bool& flag, std::string_view key) {
  if (number != 1) return fail(EINVAL, fmt::format("{} can only be 1", key), "leave it out");
  flag = true;
  return {};
}

Result<void> fileio_item(DeviceSpec& spec, std::string_view item) {
  if (const auto name = value_of(item, "fd_dev_name")) {
    spec.path = std::string(name->substr(0, max_file_name));
  } else if (const auto text = value_of(item, "fd_dev_size")) {
    const auto size = parse_unsigned(*text);
    if (!size) return tl::unexpected(size.error());
    spec.size = *size;
  } else if (const auto buffered = number_of(item, "fd_buffered_io")) {
    return only_one(*buffered, spec.buffered, "fd_buffered_io");
  } else if (const auto async = number_of(item, "fd_async_io")) {
    return only_one(*async, spec.async, "fd_async_io");
  }
  return {};
}

Result<void> iblock_item(DeviceSpec& spec, std::string_view item, bool enabled) {
  if (const auto path = value_of(item, "udev_path")) {
    if (enabled)
      return fail(EEXIST, "the device is enabled", "remove it and make it anew for another path");
    spec.path = std::string(path->substr(0, max_block_path));
  } else if (const auto read_only = number_of(item, "readonly")) {
    if (*read_only < 0) return fail(EINVAL, "readonly cannot be less than 0");
    spec.read_only = *read_only != 0;
  } else if (const auto exclusive = number_of(item, "exclusive")) {
    spec.exclusive = *exclusive != 0;
  }
  return {};
}

Result<void> pscsi_item(DeviceSpec& spec, std::string_view item) {
  using Number = std::optional<std::int32_t> DeviceSpec::*;
  constexpr std::pair<std::string_view, Number> numbers[] = {
      {"scsi_host_id", &DeviceSpec::scsi_host},
      {"scsi_channel_id", &DeviceSpec::scsi_channel},
      {"scsi_target_id", &DeviceSpec::scsi_target},
      {"scsi_lun_id", &DeviceSpec::scsi_lun}};
  for (const auto& [key, member] : numbers) {
    const auto number = number_of(item, key);
    if (!number) continue;
    const auto parsed = parse_signed(*value_of(item, key));
    if (!parsed || *parsed != *number)
      return fail(ERANGE, fmt::format("{} does not fit 32 bits", key));
    spec.*member = *number;
  }
  return {};
}

struct UserNumber {
  std::string_view key;
  std::uint32_t DeviceSpec::* member;
  bool fixed;                       ///< once it is enabled
  std::uint32_t most = UINT32_MAX;  ///< more is that much
};

/// KEY=NUMBER into a member, more than 0.
Result<bool> user_number(DeviceSpec& spec, std::string_view item, const UserNumber& wanted,
                         bool enabled) {
  const auto number = number_of(item, wanted.key);
  if (!number) return false;
  if (*number <= 0) return fail(EINVAL, fmt::format("{} must be more than 0", wanted.key));
  if (enabled && wanted.fixed)
    return fail(EINVAL, fmt::format("{} cannot change any more", wanted.key));
  DeviceSpec changed = spec;
  changed.*wanted.member = std::min(static_cast<std::uint32_t>(*number), wanted.most);
  if (changed.data_pages_per_block > changed.max_data_area_mb * pages_per_mb)
    return fail(EINVAL, fmt::format("{}: the data area is smaller than a block", wanted.key));
  spec = std::move(changed);
  return true;
}

Result<void> user_item(DeviceSpec& spec, std::string_view item, bool enabled) {
  if (const auto config = value_of(item, "dev_config")) {
    spec.config = std::string(config->substr(0, max_user_config));
    return {};
  }
  if (const auto text = value_of(item, "dev_size")) {
    const auto size = parse_unsigned(*text);
    if (!size) return tl::unexpected(size.error());
    spec.size = *size;
    return {};
  }
  if (const auto reply = number_of(item, "nl_reply_supported")) {
    spec.nl_reply_supported = *reply;
    return {};
  }
  constexpr UserNumber numbers[] = {
      {"hw_block_size", &DeviceSpec::hw_block_size, false},
      {"hw_max_sectors", &DeviceSpec::hw_max_sectors, false},
      {"max_data_area_mb", &DeviceSpec::max_data_area_mb, true},
      {"data_pages_per_blk", &DeviceSpec::data_pages_per_block, true},
      {"cmd_ring_size_mb", &DeviceSpec::cmd_ring_size_mb, true, most_cmd_ring_mb}};
  for (const UserNumber& number : numbers) {
    const auto taken = user_number(spec, item, number, enabled);
    if (!taken) return tl::unexpected(taken.error());
    if (*taken) break;
  }
  return {};
}

Result<void> apply_item(DeviceSpec& spec, std::string_view item, bool enabled) {
  switch (spec.plugin) {
    case Plugin::rd_mcp:
      return ramdisk_item(spec, item);
    case Plugin::fileio:
      return fileio_item(spec, item);
    case Plugin::iblock:
      return iblock_item(spec, item, enabled);
    case Plugin::pscsi:
      return pscsi_item(spec, item);
    case Plugin::user:
      return user_item(spec, item, enabled);
  }
  return {};
}

std::string ramdisk_info(const DeviceSpec& spec, InfoState state) {
  return fmt::format(
      "        TCM RamDisk ID: {}  RamDisk Makeup: rd_mcp\n"
      "        PAGES/PAGE_SIZE: {}*{}  SG_table_count: {}  nullio: {} dummy: {}\n",
      state.device_number, spec.rd_pages.value_or(0), page_size, state.tables,
      spec.rd_nullio ? 1 : 0, spec.rd_dummy ? 1 : 0);
}

std::string fileio_info(const DeviceSpec& spec) {
  return fmt::format("        TCM FILEIO ID: 0        File: {}  Size: {}  Mode: {} Async: {}\n",
                     spec.path.value_or(""), spec.size.value_or(0),
                     spec.buffered ? "Buffered-WCE" : "O_DSYNC", spec.async ? 1 : 0);
}

std::string iblock_info(const DeviceSpec& spec, const DeviceProperties& properties,
                        InfoState state) {
  std::string out = "        ";
  if (state.enabled) out += fmt::format("iBlock device: {}", properties.disk);
  if (spec.path) out += fmt::format("  UDEV PATH: {}", *spec.path);
  out += fmt::format("  readonly: {}\n        ", spec.read_only ? 1 : 0);
  if (!state.enabled) return out + "Major: 0 Minor: 0\n";
  return out +
         fmt::format("Major: {} Minor: {}  CLAIMED: IBLOCK\n", properties.major, properties.minor);
}

std::string pscsi_info(const DeviceSpec& spec, const DeviceProperties& properties,
                       InfoState state) {
  std::string out = fmt::format(
      "        SCSI Device Bus Location: Channel ID: {} Target ID: {} LUN: {} Host ID: {}\n",
      spec.scsi_channel.value_or(0), spec.scsi_target.value_or(0), spec.scsi_lun.value_or(0),
      spec.scsi_host.value_or(0));
  if (state.enabled)
    out += fmt::format("        Vendor: {:<8} Model: {:<16} Rev: {:<4}\n", properties.vendor,
                       properties.product, properties.revision);
  return out;
}

std::string user_info(const DeviceSpec& spec) {
  return fmt::format(
      "        Config: {} Size: {} MaxDataAreaMB: {} DataPagesPerBlk: {} CmdRingSizeMB: {}\n",
      spec.config.value_or("NULL"), spec.size.value_or(0), spec.max_data_area_mb,
      spec.data_pages_per_block, spec.cmd_ring_size_mb);
}

}  // namespace

Result<void> apply_control(DeviceSpec& spec, std::string_view text, bool enabled) {
  for (const std::string_view item : split_items(text)) {
    if (auto applied = apply_item(spec, item, enabled); !applied) return applied;
  }
  return {};
}

std::uint64_t named_size(const DeviceSpec& spec) {
  if (spec.plugin == Plugin::rd_mcp) return std::uint64_t{spec.rd_pages.value_or(0)} * page_size;
  return spec.size.value_or(0);
}

void set_named_size(DeviceSpec& spec, std::uint64_t bytes) {
  if (spec.plugin == Plugin::rd_mcp)
    spec.rd_pages = static_cast<std::uint32_t>(bytes / page_size);
  else if (spec.plugin == Plugin::fileio || spec.plugin == Plugin::user)
    spec.size = bytes;
}

std::uint64_t whole_pages(std::uint64_t bytes) {
  return (bytes + page_size - 1) / page_size * page_size;
}

Result<void> check_complete(const DeviceSpec& spec) {
  switch (spec.plugin) {
    case Plugin::rd_mcp:
      if (spec.rd_pages.value_or(0) == 0)
        return fail(EINVAL, "rd_pages is missing or 0", "write rd_pages=COUNT to control");
      return {};
    case Plugin::fileio:
      if (!spec.path || spec.path->empty())
        return fail(EINVAL, "fd_dev_name is missing", "write fd_dev_name=PATH to control");
      return {};
    case Plugin::iblock:
      if (!spec.path)
        return fail(EINVAL, "udev_path is missing", "write udev_path=PATH to control");
      return {};
    case Plugin::pscsi:
      if (!spec.scsi_channel || !spec.scsi_target || !spec.scsi_lun)
        return fail(EINVAL, "the address of the SCSI device is missing",
                    "write scsi_channel_id, scsi_target_id and scsi_lun_id to control");
      return {};
    case Plugin::user:
      return {};
  }
  return {};
}

std::uint32_t table_count(const DeviceSpec& spec) {
  return spec.rd_nullio ? 0 : spec.rd_pages.value_or(0) / pages_per_table + 1;
}

std::string info_text(const DeviceSpec& spec, const DeviceProperties& properties, InfoState state) {
  switch (spec.plugin) {
    case Plugin::rd_mcp:
      return ramdisk_info(spec, state);
    case Plugin::fileio:
      return fileio_info(spec);
    case Plugin::iblock:
      return iblock_info(spec, properties, state);
    case Plugin::pscsi:
      return pscsi_info(spec, properties, state);
    case Plugin::user:
      return user_info(spec);
  }
  return {};
}

DeviceProperties default_properties(const DeviceSpec& spec) {
  DeviceProperties made;
  switch (spec.plugin) {
    case Plugin::rd_mcp:
      made.size = std::uint64_t{spec.rd_pages.value_or(0)} * page_size;
      made.hw_max_sectors = no_limit_sectors;
      made.rotational = false;
      break;
    case Plugin::fileio:
      made.size = spec.size.value_or(0);
      made.max_bytes_per_io = 8 << 20;
      made.hw_max_sectors = made.max_bytes_per_io / made.hw_block_size;
      made.write_cache = spec.buffered;
      made.can_unmap = true;
      made.max_unmap_lba_count = 8192;
      made.max_unmap_block_desc_count = 1;
      made.unmap_granularity = 1;
      made.max_write_same_len = 4096;
      break;
    case Plugin::iblock:
      made.read_only = spec.read_only;
      made.max_write_same_len = 65535;
      break;
    case Plugin::pscsi:
      made.hw_max_sectors = no_limit_sectors;
      break;
    case Plugin::user:
      made.size = spec.size.value_or(0);
      made.hw_block_size = spec.hw_block_size;
      made.hw_max_sectors = spec.hw_max_sectors;
      break;
  }
  return made;
}

}  // namespace srpd::lio
