// What the objects of LIO's tree are made of: stores, logical units, and ports of the SRP target.
//
// A device is a store from `enable` on. It becomes a logical unit when the first LUN links to it,
// and is a mere store again when the last link goes: identity and block size may change in between.
//
// Everything is done on the loop that is home to the target, for the thread that changes the tree,
// which waits. So the tree must not be changed from that loop, and the loop has to run as long as
// anybody does.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lio/engine.h"
#include "runtime/loop.h"
#include "scsi/lu.h"
#include "store/backstore.h"
#include "target/target.h"

namespace srpd::control {

class Engine final : public lio::Engine {
 public:
  /// Begins to take, or with 0 no longer takes, logins at this port besides where the daemon
  /// listens anyway. On home.
  using Listen = std::function<Expected<void>(std::uint16_t rdma_cm_port)>;

  /// Both outlive it. `home` is that of the target.
  Engine(target::Target& target, runtime::Loop& home, Listen listen);
  /// On home, or when that no longer runs. The ports are gone from the target, or it is.
  ~Engine() override;

  lio::Result<lio::DeviceProperties> open_device(lio::DeviceId device, const lio::DeviceSpec& spec,
                                                 const lio::DeviceAttributes& attributes,
                                                 const lio::Identity& identity) override;
  void close_device(lio::DeviceId device) override;
  lio::Result<void> set_attributes(lio::DeviceId device,
                                   const lio::DeviceAttributes& attributes) override;
  void set_identity(lio::DeviceId device, const lio::Identity& identity) override;
  lio::Result<void> reconfigure(lio::DeviceId device, const lio::DeviceSpec& spec,
                                bool write_cache) override;
  lio::Result<void> format_protection(lio::DeviceId device) override;
  void set_port_group(lio::DeviceId device, const lio::PortGroupState& group) override;
  void remove_port_group(lio::DeviceId device, std::uint16_t id) override;
  lio::Result<void> restore_registration(lio::DeviceId device,
                                         const lio::AptplRegistration& registration) override;

  lio::Result<void> add_port(std::string_view port) override;
  void remove_port(std::string_view port) override;
  lio::Result<void> set_port(std::string_view port, const lio::PortSettings& settings) override;
  lio::Result<void> add_tpg(lio::TpgId tpg, std::string_view port, std::uint16_t rtpi) override;
  void remove_tpg(lio::TpgId tpg) override;
  lio::Result<void> set_rtpi(lio::TpgId tpg, std::uint16_t rtpi) override;
  lio::Result<void> enable_tpg(lio::TpgId tpg, bool enable) override;
  lio::Result<void> listen(std::uint16_t rdma_cm_port) override;

  lio::Result<void> add_lun(lio::TpgId tpg, std::uint16_t lun, lio::DeviceId device,
                            const lio::LunAccess& access) override;
  void remove_lun(lio::TpgId tpg, std::uint16_t lun) override;
  void set_lun_access(lio::TpgId tpg, std::uint16_t lun, const lio::LunAccess& access) override;
  lio::Result<void> add_acl(lio::TpgId tpg, std::string_view initiator) override;
  void remove_acl(lio::TpgId tpg, std::string_view initiator) override;
  lio::Result<void> map_lun(lio::TpgId tpg, std::string_view initiator, std::uint16_t mapped,
                            std::uint16_t lun, bool write_protect) override;
  void unmap_lun(lio::TpgId tpg, std::string_view initiator, std::uint16_t mapped) override;
  lio::Result<void> write_protect(lio::TpgId tpg, std::string_view initiator, std::uint16_t mapped,
                                  bool protect) override;

  lio::Reservations reservations(lio::DeviceId device) const override;
  lio::Counters device_counters(lio::DeviceId device) const override;
  lio::Counters lun_counters(lio::TpgId tpg, std::uint16_t lun) const override;
  lio::Counters mapped_counters(lio::TpgId tpg, std::string_view initiator,
                                std::uint16_t mapped) const override;
  std::vector<lio::SessionRow> sessions(lio::TpgId tpg, std::string_view initiator) const override;

 private:
  struct Device {
    std::string name;
    std::shared_ptr<store::Backstore> store;
    lio::DeviceAttributes attributes;
    lio::Identity identity;
    std::shared_ptr<scsi::Lu> lu;  ///< while LUNs link to the device
    std::uint32_t links = 0;
    scsi::IoCount past;  ///< of units that it was before
  };
  struct Tpg {
    target::PortHandle handle{};
    std::string port;
    std::map<std::uint16_t, lio::DeviceId> luns;
  };

  Device& device(lio::DeviceId id) const;
  Tpg& tpg(lio::TpgId id) const;
  void link(Device& device) const;
  void unlink(Device& device) const;
  void share_identifier();
  std::shared_ptr<store::Backstore> home_owned(std::unique_ptr<store::Backstore> store) const;

  target::Target& target_;
  runtime::Loop& home_;
  const Listen listen_;
  // The maps; what is in them belongs to home_.
  mutable std::mutex mutex_;
  mutable std::unordered_map<lio::DeviceId, Device> devices_;
  mutable std::unordered_map<lio::TpgId, Tpg> tpgs_;
  std::map<std::string, lio::PortSettings, std::less<>> ports_;
};

}  // namespace srpd::control
