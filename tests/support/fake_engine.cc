#include "support/fake_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace srpd::lio::test {
namespace {

using tree::fail;

struct BlockDevice {
  std::string_view path, disk;
  std::uint32_t major, minor, queue_depth;
};
constexpr BlockDevice block_devices[] = {{"/dev/ram0", "ram0", 1, 0, 128},
                                         {"/dev/ram1", "ram1", 1, 1, 128},
                                         {"/dev/nullb0", "nullb0", 254, 0, 64}};

const BlockDevice* find_block(const std::string& path) {
  for (const BlockDevice& device : block_devices)
    if (device.path == path) return &device;
  return nullptr;
}

std::uint64_t number(DeviceId device) { return static_cast<std::uint64_t>(device); }
std::uint64_t number(TpgId tpg) { return static_cast<std::uint64_t>(tpg); }

constexpr std::string_view vpd_logical_unit =
    "T10 VPD Identifier Association: addressed logical unit\n"
    "T10 VPD Identifier Type: T10 Vendor ID based\n"
    "T10 VPD ASCII Device Identifier: Linux   scsi_debug      2000\n"
    "T10 VPD Identifier Association: addressed logical unit\n"
    "T10 VPD Identifier Type: NAA\n"
    "T10 VPD Binary Device Identifier: 333333330000007d0\n";
constexpr std::string_view vpd_target_device =
    "T10 VPD Identifier Association: SCSI target device\n"
    "T10 VPD Identifier Type: NAA\n"
    "T10 VPD Binary Device Identifier: 332222220000007cd\n"
    "T10 VPD Identifier Association: SCSI target device\n"
    "T10 VPD Identifier Type: SCSI name string\n"
    "T10 VPD UTF-8 Device Identifier: naa.32222220000007CD\n";
constexpr std::string_view vpd_target_port =
    "T10 VPD Identifier Association: target port\n"
    "T10 VPD Identifier Type: Relative target port identifier\n"
    "T10 VPD Binary Device Identifier: 400000001\n"
    "T10 VPD Identifier Association: target port\n"
    "T10 VPD Identifier Type: NAA\n"
    "T10 VPD Binary Device Identifier: 332222220000007ce\n";
constexpr std::string_view vpd_protocol =
    "T10 VPD Protocol Identifier: SAS Serial SCSI Protocol\n"
    "T10 VPD Protocol Identifier: SAS Serial SCSI Protocol\n"
    "T10 VPD Protocol Identifier: SAS Serial SCSI Protocol\n"
    "T10 VPD Protocol Identifier: SAS Serial SCSI Protocol\n";

}  // namespace

FakeEngine::FakeEngine()
    : files_{"/tmp/f.img", "/tmp/file0.img", "/tmp/file1.img", "/tmp/file2.img"} {}

std::vector<std::string> FakeEngine::take_calls() {
  const std::lock_guard lock(lock_);
  return std::exchange(calls_, {});
}

void FakeEngine::fail_next(const std::string& call, int code) {
  const std::lock_guard lock(lock_);
  failures_[call] = code;
}

Result<void> FakeEngine::note(const std::string& name, const std::string& rest) {
  const std::lock_guard lock(lock_);
  calls_.push_back(rest.empty() ? name : name + ' ' + rest);
  const auto planned = failures_.find(name);
  if (planned == failures_.end()) return {};
  const int code = planned->second;
  failures_.erase(planned);
  return fail(code, "as planned");
}

Result<DeviceProperties> FakeEngine::open_device(DeviceId device, const DeviceSpec& spec,
                                                 const DeviceAttributes&, const Identity&) {
  if (auto planned =
          note("open_device", fmt::format("{} {}/{}", number(device), spec.hba, spec.name));
      !planned)
    return tl::unexpected(planned.error());
  switch (spec.plugin) {
    case Plugin::fileio:
      return open_file(spec);
    case Plugin::iblock:
      return open_block(device, spec);
    case Plugin::pscsi:
      return open_scsi(spec);
    case Plugin::rd_mcp:
    case Plugin::user:
      break;
  }
  return default_properties(spec);
}

Result<DeviceProperties> FakeEngine::open_file(const DeviceSpec& spec) {
  const std::string& path = *spec.path;
  if (path == "/tmp" || path == "/dev") return fail(EISDIR, "it is a directory");
  DeviceProperties found = default_properties(spec);
  if (find_block(path)) return found;
  if (!path.starts_with("/tmp/")) return fail(ENOENT, "there is no such directory");
  const std::lock_guard lock(lock_);
  files_.insert(path);
  if (!spec.size) return fail(EINVAL, "fd_dev_size is missing");
  return found;
}

Result<DeviceProperties> FakeEngine::open_block(DeviceId device, const DeviceSpec& spec) {
  const BlockDevice* const block = find_block(*spec.path);
  const std::lock_guard lock(lock_);
  if (!block) {
    if (files_.contains(*spec.path)) return fail(ENOTBLK, "it is no block device");
    return fail(ENOENT, "there is no such file");
  }
  for (const auto& [other, path] : claimed_)
    if (path == *spec.path) return fail(EBUSY, "somebody holds it");
  claimed_[device] = *spec.path;
  DeviceProperties found = default_properties(spec);
  found.disk = block->disk;
  found.major = block->major;
  found.minor = block->minor;
  found.hw_max_sectors = 248;
  found.hw_queue_depth = block->queue_depth;
  found.rotational = false;
  if (ram_disks_discard_ && block->disk.starts_with("ram")) {
    found.can_unmap = true;
    found.max_unmap_lba_count = UINT32_MAX;
    found.max_unmap_block_desc_count = 1;
    found.unmap_granularity = 8;
  }
  return found;
}

Result<DeviceProperties> FakeEngine::open_scsi(const DeviceSpec& spec) {
  if (spec.scsi_host != 0 || spec.scsi_channel != 0 || spec.scsi_target != 0 || spec.scsi_lun != 0)
    return fail(EINVAL, "there is no such SCSI device");
  DeviceProperties found = default_properties(spec);
  found.hw_queue_depth = 192;
  found.vendor = "Linux   ";
  found.product = "scsi_debug      ";
  found.revision = "0191";
  found.serial = "2000";
  found.vpd_logical_unit = vpd_logical_unit;
  found.vpd_target_device = vpd_target_device;
  found.vpd_target_port = vpd_target_port;
  found.vpd_protocol = vpd_protocol;
  return found;
}

void FakeEngine::close_device(DeviceId device) {
  static_cast<void>(note("close_device", fmt::format("{}", number(device))));
  const std::lock_guard lock(lock_);
  claimed_.erase(device);
}

Result<void> FakeEngine::set_attributes(DeviceId device, const DeviceAttributes& attributes) {
  return note("set_attributes", fmt::format("{} block_size={} queue_depth={}", number(device),
                                            attributes.block_size, attributes.queue_depth));
}

void FakeEngine::set_identity(DeviceId device, const Identity& identity) {
  static_cast<void>(
      note("set_identity", fmt::format("{} {} {} {} {}", number(device), identity.vendor,
                                       identity.product, identity.revision, identity.serial)));
}

/// No handler listens.
Result<void> FakeEngine::reconfigure(DeviceId device, const DeviceSpec&, bool) {
  if (auto planned = note("reconfigure", fmt::format("{}", number(device))); !planned)
    return planned;
  return fail(ESRCH, "no handler");
}

/// It has had 16 MiB; what is behind it has 32 MiB.
Result<Resized> FakeEngine::resize_device(DeviceId device, std::uint64_t bytes, bool may_shrink) {
  if (auto planned = note("resize_device", fmt::format("{} {} shrink={}", number(device), bytes,
                                                       may_shrink ? 1 : 0));
      !planned)
    return tl::unexpected(planned.error());
  constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
  return Resized{16 * mebibyte, bytes != 0 ? bytes : 32 * mebibyte};
}

Result<void> FakeEngine::format_protection(DeviceId device) {
  return note("format_protection", fmt::format("{}", number(device)));
}

void FakeEngine::set_port_group(DeviceId device, const PortGroupState& group) {
  static_cast<void>(
      note("set_port_group", fmt::format("{} id={} state={} status={}", number(device), group.id,
                                         group.access_state, group.access_status)));
}

void FakeEngine::set_lu_group(DeviceId device, std::optional<std::uint16_t> id) {
  static_cast<void>(note("set_lu_group",
                         fmt::format("{} {}", number(device), id ? std::to_string(*id) : "none")));
}

void FakeEngine::remove_port_group(DeviceId device, std::uint16_t id) {
  static_cast<void>(note("remove_port_group", fmt::format("{} id={}", number(device), id)));
}

Result<void> FakeEngine::restore_registration(DeviceId device,
                                              const AptplRegistration& registration) {
  return note("restore_registration",
              fmt::format("{} {} key={} type={}", number(device), registration.initiator_node,
                          registration.key, registration.type));
}

Result<void> FakeEngine::add_port(std::string_view port) {
  return note("add_port", std::string(port));
}

void FakeEngine::remove_port(std::string_view port) {
  static_cast<void>(note("remove_port", std::string(port)));
}

Result<void> FakeEngine::set_port(std::string_view port, const PortSettings& settings) {
  return note("set_port", fmt::format("{} sq_size={}", port, settings.sq_size));
}

Result<void> FakeEngine::add_tpg(TpgId tpg, std::string_view port, std::uint16_t rtpi) {
  return note("add_tpg", fmt::format("{} {} rtpi={}", number(tpg), port, rtpi));
}

void FakeEngine::remove_tpg(TpgId tpg) {
  static_cast<void>(note("remove_tpg", fmt::format("{}", number(tpg))));
}

Result<void> FakeEngine::set_rtpi(TpgId tpg, std::uint16_t rtpi) {
  return note("set_rtpi", fmt::format("{} {}", number(tpg), rtpi));
}

Result<void> FakeEngine::enable_tpg(TpgId tpg, bool enable) {
  return note("enable_tpg", fmt::format("{} {}", number(tpg), enable ? 1 : 0));
}

Result<void> FakeEngine::listen(std::uint16_t rdma_cm_port) {
  return note("listen", fmt::format("{}", rdma_cm_port));
}

Result<void> FakeEngine::add_lun(TpgId tpg, std::uint16_t lun, DeviceId device, const LunAccess&) {
  return note("add_lun", fmt::format("{} lun={} device={}", number(tpg), lun, number(device)));
}

void FakeEngine::remove_lun(TpgId tpg, std::uint16_t lun) {
  static_cast<void>(note("remove_lun", fmt::format("{} lun={}", number(tpg), lun)));
}

void FakeEngine::set_lun_access(TpgId tpg, std::uint16_t lun, const LunAccess& access) {
  static_cast<void>(note("set_lun_access", fmt::format("{} lun={} group={} offline={}", number(tpg),
                                                       lun, access.group, access.offline ? 1 : 0)));
}

Result<void> FakeEngine::add_acl(TpgId tpg, std::string_view initiator) {
  return note("add_acl", fmt::format("{} {}", number(tpg), initiator));
}

void FakeEngine::remove_acl(TpgId tpg, std::string_view initiator) {
  static_cast<void>(note("remove_acl", fmt::format("{} {}", number(tpg), initiator)));
}

Result<void> FakeEngine::map_lun(TpgId tpg, std::string_view initiator, std::uint16_t mapped,
                                 std::uint16_t lun, bool write_protect) {
  return note("map_lun", fmt::format("{} {} {}->{} protect={}", number(tpg), initiator, mapped, lun,
                                     write_protect ? 1 : 0));
}

void FakeEngine::unmap_lun(TpgId tpg, std::string_view initiator, std::uint16_t mapped) {
  static_cast<void>(note("unmap_lun", fmt::format("{} {} {}", number(tpg), initiator, mapped)));
}

Result<void> FakeEngine::write_protect(TpgId tpg, std::string_view initiator, std::uint16_t mapped,
                                       bool protect) {
  return note("write_protect",
              fmt::format("{} {} {} {}", number(tpg), initiator, mapped, protect ? 1 : 0));
}

Reservations FakeEngine::reservations(DeviceId) const { return held; }
Counters FakeEngine::device_counters(DeviceId) const { return counted; }
Counters FakeEngine::lun_counters(TpgId, std::uint16_t) const { return counted; }
Counters FakeEngine::mapped_counters(TpgId, std::string_view, std::uint16_t) const {
  return counted;
}
std::vector<SessionRow> FakeEngine::sessions(TpgId, std::string_view) const { return logged_in; }

}  // namespace srpd::lio::test
