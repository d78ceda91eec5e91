#include "control/engine_values.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "control/designator_text.h"
#include "store/pass_through.h"

namespace srpd::control {
namespace {

constexpr std::uint64_t page_bytes = 4096;  // of rd_pages

lio::Result<store::Specification> user_specification(const lio::DeviceSpec& spec,
                                                     store::Specification store) {
  const std::string config = spec.config.value_or("");
  const std::string handler = config.substr(0, config.find('/'));
  if (handler != "null")
    return tree::fail(ENODEV, "there is no handler '" + handler + "'", "known handlers: null");
  store.type = "null";
  store.size = spec.size.value_or(0);
  return store;
}

std::string scsi_address(const lio::DeviceSpec& spec) {
  return fmt::format("{}:{}:{}:{}", spec.scsi_host.value_or(0), spec.scsi_channel.value_or(0),
                     spec.scsi_target.value_or(0), spec.scsi_lun.value_or(0));
}

/// The device node's numbers, and its name in the kernel.
void name_disk(const std::string& path, lio::DeviceProperties& properties) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) return;
  properties.major = ::major(status.st_rdev);
  properties.minor = ::minor(status.st_rdev);
  std::error_code error;
  const auto place = std::filesystem::read_symlink(
      fmt::format("/sys/dev/block/{}:{}", properties.major, properties.minor), error);
  properties.disk = error ? std::filesystem::path(path).filename() : place.filename();
}

void describe(const store::PassThrough::Identity& device, lio::DeviceProperties& properties) {
  properties.device_type = device.device_type;
  properties.vendor = device.vendor;
  properties.product = device.product;
  properties.revision = device.revision;
  properties.serial = device.unit_serial;
  describe_designators(device.designators, properties);
}

}  // namespace

lio::Result<store::Specification> store_specification(const lio::DeviceSpec& spec) {
  store::Specification store;
  store.name = spec.name;
  switch (spec.plugin) {
    case lio::Plugin::rd_mcp:
      store.type = spec.rd_nullio ? "null" : "ramdisk";
      store.size = spec.rd_pages.value_or(0) * page_bytes;
      return store;
    case lio::Plugin::fileio:
      store.type = "fileio";
      store.path = spec.path.value_or("");
      store.size = spec.size.value_or(0);
      store.dsync = !spec.buffered;
      return store;
    case lio::Plugin::iblock:
      store.type = "iblock";
      store.path = spec.path.value_or("");
      store.read_only = spec.read_only;
      store.exclusive = spec.exclusive;
      return store;
    case lio::Plugin::user:
      return user_specification(spec, store);
    case lio::Plugin::pscsi:
      store.type = "pscsi";
      store.path = spec.udev_path.empty() ? scsi_address(spec) : spec.udev_path;
      return store;
  }
  return tree::fail(ENODEV, "there is no such kind of backstore");
}

lio::DeviceProperties device_properties(const lio::DeviceSpec& spec, store::Backstore& store) {
  const store::Properties& open = store.properties();
  lio::DeviceProperties properties = lio::default_properties(spec);
  properties.size = store.size();
  properties.read_only = open.read_only;
  properties.write_cache = open.write_cache;
  // What LIO says of ramdisks and of files stays: its tools compare.
  if (spec.plugin != lio::Plugin::iblock && spec.plugin != lio::Plugin::pscsi) return properties;
  properties.hw_block_size = open.block_size;
  if (open.max_transfer_bytes != 0)
    properties.hw_max_sectors = open.max_transfer_bytes / open.block_size;
  if (auto* const device = store.pass_through()) {
    describe(device->identity(), properties);
    return properties;
  }
  name_disk(*spec.path, properties);
  properties.rotational = open.rotational;
  properties.can_unmap = open.can_unmap;
  if (open.can_unmap) {
    properties.max_unmap_block_desc_count = 1;
    properties.max_unmap_lba_count = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(open.max_unmap_bytes / open.block_size, UINT32_MAX));
    properties.unmap_granularity = open.unmap_granularity / open.block_size;
  }
  return properties;
}

void adapt(lio::DeviceAttributes& attributes, const lio::DeviceProperties& properties) {
  attributes.hw_block_size = properties.hw_block_size;
  attributes.block_size = std::max(attributes.block_size, properties.hw_block_size);
  attributes.hw_max_sectors = properties.hw_max_sectors;
  attributes.hw_queue_depth = properties.hw_queue_depth;
  attributes.queue_depth = std::min(attributes.queue_depth, properties.hw_queue_depth);
}

void take_over(const lio::DeviceProperties& properties, lio::Identity& identity) {
  if (properties.vendor.empty()) return;
  identity.vendor = properties.vendor;
  identity.product = properties.product;
  identity.revision = properties.revision;
  if (!properties.serial.empty()) identity.serial = properties.serial;
}

store::Protection protection_of(const lio::DeviceAttributes& attributes,
                                const store::Backstore& store) {
  return {.type = static_cast<store::ProtectionType>(attributes.pi_prot_type),
          .block_size = std::max(attributes.block_size, store.properties().block_size),
          .check_application_tag = attributes.pi_prot_verify != 0};
}

bool same_protection(const lio::DeviceAttributes& a, const lio::DeviceAttributes& b) {
  return a.pi_prot_type == b.pi_prot_type && a.pi_prot_verify == b.pi_prot_verify &&
         a.block_size == b.block_size;
}

scsi::LuAttributes unit_attributes(const lio::DeviceAttributes& attributes,
                                   const store::Backstore& store) {
  scsi::LuAttributes unit;
  unit.alua_support = attributes.alua_support != 0;
  unit.emulate_fua_write = attributes.emulate_fua_write != 0;
  unit.emulate_pr = attributes.emulate_pr != 0;
  unit.force_pr_aptpl = attributes.force_pr_aptpl != 0;
  unit.emulate_tas = attributes.emulate_tas != 0;
  unit.emulate_tpu = attributes.emulate_tpu != 0 && store.properties().can_unmap;
  unit.emulate_tpws = attributes.emulate_tpws != 0 && store.properties().can_unmap;
  unit.emulate_rsoc = attributes.emulate_rsoc != 0;
  // LIO's iblock goes by the device, whatever the attribute says.
  unit.emulate_write_cache =
      attributes.emulate_write_cache != 0 || store.properties().plugin == "iblock";
  unit.write_protect = store.properties().read_only;
  unit.is_nonrot = attributes.is_nonrot != 0;
  unit.max_unmap_lba_count = attributes.max_unmap_lba_count;
  unit.max_unmap_block_desc_count = attributes.max_unmap_block_desc_count;
  unit.unmap_granularity = attributes.unmap_granularity;
  unit.unmap_granularity_alignment = attributes.unmap_granularity_alignment;
  unit.unmap_zeroes_data = attributes.unmap_zeroes_data != 0 && store.properties().unmap_zeroes;
  unit.max_write_same_len = attributes.max_write_same_len;
  unit.hw_max_sectors = attributes.hw_max_sectors;
  unit.optimal_sectors = attributes.optimal_sectors;
  unit.queue_depth = attributes.queue_depth;
  return unit;
}

scsi::TargetPortGroup target_port_group(const lio::PortGroupState& group) {
  return {.id = group.id,
          .state = static_cast<scsi::AccessState>(group.access_state),
          .status = group.access_status,
          .access_type = group.access_type,
          .supported = group.supported,
          .preferred = group.preferred,
          .nonoptimized_delay_ms = group.nonoptimized_delay_ms,
          .transition_delay_ms = group.transition_delay_ms,
          .implicit_transition_s = group.implicit_transition_s};
}

scsi::PortAccess port_access(const lio::LunAccess& access) {
  return {.group = access.group, .offline = access.offline};
}

std::vector<lio::AccessChange> access_changes(const std::vector<scsi::AccessChange>& changes) {
  std::vector<lio::AccessChange> out;
  for (const scsi::AccessChange& each : changes)
    out.push_back({each.of_port, each.id, static_cast<std::uint8_t>(each.state)});
  return out;
}

scsi::LuIdentity unit_identity(const std::string& name, const lio::Identity& identity) {
  return {.name = name,
          .unit_serial = identity.serial,
          .vendor = identity.vendor,
          .product = identity.product,
          .revision = identity.revision,
          .company_id = identity.company_id};
}

target::PortLimits port_limits(const lio::PortSettings& settings) {
  return {.max_rsp_size = settings.max_rsp_size,
          .max_rdma_size = settings.max_rdma_size,
          .sq_size = settings.sq_size};
}

lio::Counters counters_of(const scsi::IoCount& count) {
  lio::Counters counters;
  counters.commands = count.commands;
  counters.read_bytes = count.read_bytes;
  counters.written_bytes = count.written_bytes;
  counters.busy = count.busy;
  counters.task_set_full = count.task_set_full;
  return counters;
}

lio::Counters counters_of(const scsi::Lu& unit) {
  lio::Counters counters = counters_of(unit.io_count());
  const auto& functions = unit.task_management;
  counters.resets = functions.resets.load(std::memory_order_relaxed);
  counters.aborts_complete = functions.aborts_complete.load(std::memory_order_relaxed);
  counters.aborts_no_task = functions.aborts_no_task.load(std::memory_order_relaxed);
  return counters;
}

lio::Counters& operator+=(lio::Counters& all, const lio::Counters& more) {
  all.commands += more.commands;
  all.read_bytes += more.read_bytes;
  all.written_bytes += more.written_bytes;
  all.resets += more.resets;
  all.aborts_complete += more.aborts_complete;
  all.aborts_no_task += more.aborts_no_task;
  all.busy += more.busy;
  all.task_set_full += more.task_set_full;
  return all;
}

}  // namespace srpd::control
