// An engine for the tests: a machine with a few files, block devices and one SCSI disk, that
// answers as a kernel would and writes down what it is told.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "lio/engine.h"

namespace srpd::lio::test {

class FakeEngine final : public Engine {
 public:
  FakeEngine();

  /// The calls since the last take_calls(), as "add_lun tpg=1 lun=0 device=1".
  std::vector<std::string> take_calls();
  /// As a newer kernel's brd does.
  void let_ram_disks_discard() { ram_disks_discard_ = true; }
  /// The next call of that name fails.
  void fail_next(const std::string& call, int code);

  Reservations held;
  Counters counted;
  std::vector<SessionRow> logged_in;

  Result<DeviceProperties> open_device(DeviceId device, const DeviceSpec& spec,
                                       const DeviceAttributes& attributes,
                                       const Identity& identity) override;
  void close_device(DeviceId device) override;
  Result<void> set_attributes(DeviceId device, const DeviceAttributes& attributes) override;
  void set_identity(DeviceId device, const Identity& identity) override;
  Result<void> reconfigure(DeviceId device, const DeviceSpec& spec, bool write_cache) override;
  Result<Resized> resize_device(DeviceId device, std::uint64_t bytes, bool may_shrink) override;
  Result<void> format_protection(DeviceId device) override;
  void set_port_group(DeviceId device, const PortGroupState& group) override;
  void remove_port_group(DeviceId device, std::uint16_t id) override;
  Result<void> restore_registration(DeviceId device,
                                    const AptplRegistration& registration) override;
  Result<void> add_port(std::string_view port) override;
  void remove_port(std::string_view port) override;
  Result<void> set_port(std::string_view port, const PortSettings& settings) override;
  Result<void> add_tpg(TpgId tpg, std::string_view port, std::uint16_t rtpi) override;
  void remove_tpg(TpgId tpg) override;
  Result<void> set_rtpi(TpgId tpg, std::uint16_t rtpi) override;
  Result<void> enable_tpg(TpgId tpg, bool enable) override;
  Result<void> listen(std::uint16_t rdma_cm_port) override;
  Result<void> add_lun(TpgId tpg, std::uint16_t lun, DeviceId device,
                       const LunAccess& access) override;
  void remove_lun(TpgId tpg, std::uint16_t lun) override;
  void set_lu_group(DeviceId device, std::optional<std::uint16_t> id) override;
  void set_lun_access(TpgId tpg, std::uint16_t lun, const LunAccess& access) override;
  Result<void> add_acl(TpgId tpg, std::string_view initiator) override;
  void remove_acl(TpgId tpg, std::string_view initiator) override;
  Result<void> map_lun(TpgId tpg, std::string_view initiator, std::uint16_t mapped,
                       std::uint16_t lun, bool write_protect) override;
  void unmap_lun(TpgId tpg, std::string_view initiator, std::uint16_t mapped) override;
  Result<void> write_protect(TpgId tpg, std::string_view initiator, std::uint16_t mapped,
                             bool protect) override;
  Reservations reservations(DeviceId device) const override;
  Counters device_counters(DeviceId device) const override;
  Counters lun_counters(TpgId tpg, std::uint16_t lun) const override;
  Counters mapped_counters(TpgId tpg, std::string_view initiator,
                           std::uint16_t mapped) const override;
  std::vector<SessionRow> sessions(TpgId tpg, std::string_view initiator) const override;
  bool is_waiting(DeviceId) const override { return false; }

 private:
  Result<void> note(const std::string& name, const std::string& rest);
  Result<DeviceProperties> open_file(const DeviceSpec& spec);
  Result<DeviceProperties> open_block(DeviceId device, const DeviceSpec& spec);
  static Result<DeviceProperties> open_scsi(const DeviceSpec& spec);

  mutable std::mutex lock_;
  std::vector<std::string> calls_;
  std::map<std::string, int> failures_;
  std::set<std::string> files_;
  std::map<DeviceId, std::string> claimed_;
  bool ram_disks_discard_ = false;
};

}  // namespace srpd::lio::test
