#include "lio/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "lio/device_parts.h"
#include "lio/device_statistics.h"
#include "lio/hba.h"
#include "lio/lba_map.h"
#include "lio/model.h"
#include "lio/plugin.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

constexpr std::size_t max_path_text = 511;  ///< udev_path and alias, with the newline
constexpr std::size_t max_lu_group_text = 256;
constexpr std::uint8_t no_device_type = 0x7f;  ///< LIO's for "no logical unit"

/// What the device behind decides as long as nobody says otherwise.
struct Following {
  std::string_view name;
  std::uint32_t DeviceAttributes::* member;
};
constexpr Following following[] = {
    {"block_size", &DeviceAttributes::block_size},
    {"emulate_write_cache", &DeviceAttributes::emulate_write_cache},
    {"is_nonrot", &DeviceAttributes::is_nonrot},
    {"max_unmap_block_desc_count", &DeviceAttributes::max_unmap_block_desc_count},
    {"max_unmap_lba_count", &DeviceAttributes::max_unmap_lba_count},
    {"max_write_same_len", &DeviceAttributes::max_write_same_len},
    {"optimal_sectors", &DeviceAttributes::optimal_sectors},
    {"queue_depth", &DeviceAttributes::queue_depth},
    {"unmap_granularity", &DeviceAttributes::unmap_granularity},
    {"unmap_granularity_alignment", &DeviceAttributes::unmap_granularity_alignment},
};

std::string shown(bool present, const std::string& text) {
  return present ? text + '\n' : std::string();
}

Result<std::string> free_text(std::string_view text) {
  if (text.empty()) return fail(EINVAL, "there is nothing to store");
  if (text.size() > max_path_text) return fail(EINVAL, "the text is longer than 510 bytes");
  return std::string(without_newline(text));
}

}  // namespace

const Attribute Device::rows[] = {
    write_only<&Device::store_control>("control"),
    row<&Device::show_enable, &Device::store_enable>("enable"),
    read_only<&Device::show_info>("info"),
    row<&Device::show_udev_path, &Device::store_udev_path>("udev_path"),
    row<&Device::show_alias, &Device::store_alias>("alias"),
    row<&Device::show_lu_group, &Device::store_lu_group>("alua_lu_gp"),
    row<&Device::show_lba_map, &Device::store_lba_map>("lba_map"),
};

Device::Device(Model& model, Hba& hba, std::string_view name)
    : model_(model), hba_(hba), id_(model.next_device()), creation_time_(creation_time_now()) {
  spec_.plugin = hba.plugin();
  spec_.hba = hba.name();
  spec_.name = std::string(name);
  identity_ = {.vendor = "LIO-ORG",
               .product = std::string(plugin_product()),
               .revision = is_user() || plugin() == Plugin::pscsi ? "" : "4.0",
               .serial = {}};
  if (plugin() == Plugin::pscsi) {
    numbers_.alua_support = numbers_.pgr_support = 0;
    properties_.device_type = no_device_type;
  }
  add_device_parts(*this, [this](std::string part, std::unique_ptr<Directory> directory) {
    add_group(std::move(part), std::move(directory));
  });
  port_groups_ = &make_group<PortGroups>("alua", *this);
  make_group<DeviceStatistics>("statistics", *this);
}

std::span<const Attribute> Device::attributes() const { return rows; }

Engine& Device::engine() const { return model_.engine(); }

const std::string& Device::hba_name() const { return spec_.hba; }

std::uint32_t Device::hba_index() const { return hba_.index(); }

std::string_view Device::plugin_product() const {
  switch (plugin()) {
    case Plugin::rd_mcp:
      return "RAMDISK-MCP";
    case Plugin::fileio:
      return "FILEIO";
    case Plugin::iblock:
      return "IBLOCK";
    case Plugin::pscsi:
      return properties_.product;
    case Plugin::user:
      return "";
  }
  return "";
}

void Device::drop(Change& change) {
  if (!enabled_) return;
  leave_lu_group();
  change.unlocked([this] { engine().close_device(id_); });
}

void Device::leave_lu_group() {
  if (lu_group_) lu_group_->leave(membership_);
  lu_group_ = nullptr;
}

void Device::join(LuGroup* group) {
  leave_lu_group();
  lu_group_ = group;
  if (group) membership_ = group->join(*this);
  engine().set_lu_group(id_, group ? group->id() : std::nullopt);
}

// fd_dev_size of an enabled device is its new size, as with LIO: the file is not cut. Of the other
// plugins a number is changed and nothing else.
Result<void> Device::store_control(Change& change, std::string_view text) {
  DeviceSpec wanted = spec_;
  const auto applied = apply_control(wanted, text, enabled_);
  const std::uint64_t now = named_size(spec_);
  const std::uint64_t bytes = named_size(wanted);
  const bool resizes = enabled_ && plugin() == Plugin::fileio && bytes != 0 && bytes != now;
  if (resizes) set_named_size(wanted, now);
  spec_ = std::move(wanted);
  if (!applied || !resizes) return applied;
  if (auto resized = resize(change, bytes, true); !resized) return tl::unexpected(resized.error());
  return {};
}

Result<Resized> Device::resize(Change& change, std::uint64_t bytes, bool may_shrink) {
  if (!enabled_) return fail(ENODEV, "the device is not enabled", "write 1 to its enable");
  if (plugin() == Plugin::rd_mcp) {
    if (bytes > max_ramdisk_bytes)
      return fail(ERANGE, "a ramdisk has less than 8 TiB", "choose a smaller size");
    bytes = whole_pages(bytes);
  }
  auto resized = change.unlocked([&] { return engine().resize_device(id_, bytes, may_shrink); });
  if (!resized) return resized;
  properties_.size = resized->to;
  // A file that is served with whatever it has goes on so.
  if (bytes != 0 || named_size(spec_) != 0) set_named_size(spec_, bytes != 0 ? bytes : resized->to);
  change.changed(*this, "info");
  return resized;
}

std::string Device::show_enable() const { return line(enabled_ ? 1 : 0); }

Result<void> Device::store_enable(Change& change, std::string_view text) {
  // LIO looks for a 1, wherever it stands.
  if (text.find('1') == std::string_view::npos)
    return fail(EINVAL, "a device cannot be disabled", "remove its directory");
  if (enabled_) return fail(EEXIST, "the device is enabled already");
  index_ = model_.next_device_index();
  if (auto complete = check_complete(spec_); !complete) return complete;
  if (plugin() == Plugin::pscsi && !has_udev_path_)
    return fail(EINVAL, "udev_path is empty", "write the device's path to it");
  if (leads_into_own_mount())
    return fail(EINVAL, "the path leads into the administration tree itself");
  return open(change);
}

bool Device::leads_into_own_mount() const {
  return (spec_.path && model_.is_own_mount(*spec_.path)) ||
         (plugin() == Plugin::pscsi && model_.is_own_mount(spec_.udev_path));
}

Result<void> Device::open(Change& change) {
  auto opened = change.unlocked([this]() -> Result<DeviceProperties> {
    auto found = engine().open_device(id_, spec_, numbers_, identity_);
    if (!found) return found;
    if (auto taken = engine().set_attributes(id_, numbers_of(*found)); !taken) {
      engine().close_device(id_);
      return tl::unexpected(taken.error());
    }
    for (const AptplRegistration& each : registrations_)
      if (auto restored = engine().restore_registration(id_, each); !restored)
        log::warning("{}/{}: a registration is not restored: {}", spec_.hba, spec_.name,
                     restored.error().cause);
    return found;
  });
  if (!opened) return tl::unexpected(opened.error());
  properties_ = std::move(*opened);
  numbers_ = numbers_of(properties_);
  enabled_ = true;
  registrations_.clear();
  number_ = hba_.next_device_number();
  tables_ = table_count(spec_);
  take_identity();
  if (!passes_alua()) join(&model_.lu_groups().default_group());
  port_groups_->publish_all();
  return {};
}

// What nobody has said is as if the device had been there at `enable`; the rest within its limits.
// It is served already.
void Device::arrived(Change& change, const DeviceProperties& found) {
  const DeviceAttributes known = numbers_of(found);
  DeviceAttributes wanted = numbers_;
  for (const Following& each : following)
    if (assumes(each.name)) wanted.*each.member = known.*each.member;
  wanted.hw_block_size = found.hw_block_size;
  wanted.block_size = std::max(wanted.block_size, found.hw_block_size);
  wanted.hw_max_sectors = found.hw_max_sectors;
  wanted.optimal_sectors = std::min(wanted.optimal_sectors, found.hw_max_sectors);
  wanted.hw_queue_depth = found.hw_queue_depth;
  wanted.queue_depth = std::min(wanted.queue_depth, found.hw_queue_depth);
  if (plugin() == Plugin::iblock) wanted.emulate_write_cache = found.write_cache ? 1 : 0;
  properties_ = found;
  numbers_ = wanted;
  said_.clear();
  take_identity();
  change.changed(*this, "info");
  static_cast<void>(set_numbers(change, wanted));
}

Result<void> Device::restore(Change& change, const AptplRegistration& registration) {
  if (enabled_)
    return change.unlocked([&] { return engine().restore_registration(id_, registration); });
  registrations_.push_back(registration);
  return {};
}

bool Device::assumes(std::string_view attribute) const {
  if (!waiting()) return false;
  const auto* const follows =
      std::find_if(std::begin(following), std::end(following),
                   [&](const Following& each) { return each.name == attribute; });
  return follows != std::end(following) &&
         std::find(said_.begin(), said_.end(), follows->member) == said_.end();
}

void Device::said(std::uint32_t DeviceAttributes::* attribute) {
  if (waiting()) said_.push_back(attribute);
}

// A pass-through device says itself who it is.
void Device::take_identity() {
  if (plugin() != Plugin::pscsi || properties_.vendor.empty()) return;
  // As long as INQUIRY has them, SPC-4 6.4.2.
  identity_.vendor = fmt::format("{:<8}", properties_.vendor);
  identity_.product = fmt::format("{:<16}", properties_.product);
  identity_.revision = properties_.revision;
  if (!properties_.serial.empty()) identity_.serial = properties_.serial;
}

DeviceAttributes Device::numbers_of(const DeviceProperties& found) const {
  DeviceAttributes now = numbers_;
  now.hw_block_size = now.block_size = found.hw_block_size;
  now.hw_max_sectors = now.optimal_sectors = found.hw_max_sectors;
  now.hw_queue_depth = now.queue_depth = found.hw_queue_depth;
  if (!found.rotational) now.is_nonrot = 1;
  if (plugin() == Plugin::fileio || plugin() == Plugin::iblock) {
    now.max_unmap_lba_count = found.max_unmap_lba_count;
    now.max_unmap_block_desc_count = found.max_unmap_block_desc_count;
    now.unmap_granularity = found.unmap_granularity;
    now.unmap_granularity_alignment = found.unmap_granularity_alignment;
    now.max_write_same_len = found.max_write_same_len;
    if (found.write_cache) now.emulate_write_cache = 1;
  }
  return now;
}

Result<void> Device::set_numbers(Change& change, const DeviceAttributes& wanted) {
  if (enabled_) {
    auto taken = change.unlocked([&] { return engine().set_attributes(id_, wanted); });
    if (!taken) return taken;
  }
  numbers_ = wanted;
  return {};
}

Result<void> Device::reconfigure(Change& change, const DeviceSpec& spec, bool write_cache) {
  if (enabled_) {
    auto taken = change.unlocked([&] { return engine().reconfigure(id_, spec, write_cache); });
    if (!taken) return taken;
  }
  spec_ = spec;
  numbers_.emulate_write_cache = write_cache ? 1 : 0;
  return {};
}

void Device::set_identity(const Identity& identity) {
  identity_ = identity;
  if (enabled_) engine().set_identity(id_, identity_);
}

std::string Device::show_info() const {
  return fmt::format("Status: {}  Max Queue Depth: 0  SectorSize: {}  HwMaxSectors: {}\n",
                     exported() ? "ACTIVATED" : "DEACTIVATED", enabled_ ? numbers_.block_size : 0,
                     numbers_.hw_max_sectors) +
         info_text(spec_, properties_,
                   {.enabled = enabled_, .device_number = number_, .tables = tables_});
}

std::string Device::show_udev_path() const { return shown(has_udev_path_, spec_.udev_path); }

Result<void> Device::store_udev_path(Change& change, std::string_view text) {
  static_cast<void>(change);
  auto path = free_text(text);
  if (!path) return tl::unexpected(path.error());
  spec_.udev_path = std::move(*path);
  has_udev_path_ = true;
  return {};
}

std::string Device::show_alias() const { return shown(has_alias_, alias_); }

Result<void> Device::store_alias(Change& change, std::string_view text) {
  static_cast<void>(change);
  auto alias = free_text(text);
  if (!alias) return tl::unexpected(alias.error());
  alias_ = std::move(*alias);
  has_alias_ = true;
  return {};
}

std::string Device::show_lu_group() const {
  if (!lu_group_) return {};
  return fmt::format("LU Group Alias: {}\nLU Group ID: {}\n", lu_group_->name(),
                     lu_group_->id().value_or(0));
}

Result<void> Device::store_lu_group(Change& change, std::string_view text) {
  static_cast<void>(change);
  // Before `enable` a device is in no group and can be put into none.
  if (passes_alua() || !enabled_) return {};
  if (text.size() > max_lu_group_text) return fail(EINVAL, "the name is longer than 255 bytes");
  const std::string_view name = stripped(text);
  if (name == "NULL") {
    join(nullptr);
    return {};
  }
  const auto group = model_.lu_groups().usable(name);
  if (!group) return tl::unexpected(group.error());
  join(*group);
  return {};
}

std::string Device::show_lba_map() const { return lba_map_; }

Result<void> Device::store_lba_map(Change& change, std::string_view text) {
  static_cast<void>(change);
  auto map = parse_lba_map(text);
  if (!map) return tl::unexpected(map.error());
  lba_map_ = std::move(*map);
  port_groups_->support_lba_dependent();
  return {};
}

}  // namespace srpd::lio
