// What the objects of LIO's tree are made of: stores, logical units, and ports of the SRP target.
//
// A device is a store from `enable` on. It becomes a logical unit when the first LUN links to it,
// and is a mere store again when the last link goes: identity and block size may change in between.
//
// A saved configuration can name what is not there yet: a disk that has not been found, a file on a
// file system that is mounted later. While the engine is patient, such a device is enabled all the
// same. The tree shows it with its LUNs, so that saving loses nothing; hosts see them from when the
// device has come.
//
// Everything belongs to the loop that is home to the target and is done there, for the thread that
// changes the tree, which waits. So the tree must not be changed from that loop, and the loop has
// to run as long as anybody does.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "lio/engine.h"
#include "runtime/loop.h"
#include "runtime/pinnable_memory.h"
#include "runtime/thread.h"
#include "scsi/lu.h"
#include "store/backstore.h"
#include "store/protected_store.h"
#include "target/target.h"

namespace srpd::control {

/// What is done about protection information that is not there when a device comes.
enum class MissingProtection : std::uint8_t {
  wait,    ///< it was there: without it data are not served that are to have it
  make,    ///< it is new
  format,  ///< it is given up: no block is checked until it is written
};

/// A device that the tree has and that could not be opened yet.
struct WaitingDevice {
  lio::DeviceId id{};
  lio::DeviceSpec spec;
  Error why;
  lio::DeviceAttributes attributes;
  MissingProtection protection{};
};

/// For people: by the name that targetcli gives it, and with the path of what is missing.
Error error_of(const WaitingDevice& device);

/// One that has come.
struct Arrival {
  lio::DeviceId id{};
  lio::DeviceSpec spec;
  lio::DeviceProperties properties;
};

class Engine final : public lio::Engine {
 public:
  /// What the daemon does for it, on home.
  struct Daemon {
    /// Begins to take, or with 0 no longer takes, logins at this port besides where the daemon
    /// listens anyway.
    std::function<Expected<void>(std::uint16_t rdma_cm_port)> listen;
    /// Memory of a store, which adapters may know until it is taken back. Called for as long as
    /// stores are there.
    std::function<void(runtime::PinnableMemory&)> lend, take_back;
  };

  /// Has the tree take over what a host has set of a device (lio/access_states.h), and calls `done`
  /// then, on any thread. On any loop; must not wait.
  using Keep =
      std::function<void(lio::DeviceId device, lio::DeviceSpec spec,
                         std::vector<lio::AccessChange> changes, std::function<void()> done)>;

  /// Has registrations of a device written to where they survive a loss of power (lio/aptpl.h), and
  /// calls `done` then, on any thread. On any loop; must not wait.
  using KeepRegistrations =
      std::function<void(lio::DeviceId device, lio::DeviceSpec spec, std::string text,
                         std::function<void(bool kept)> done)>;

  /// Both outlive it. `home` is that of the target.
  Engine(target::Target& target, runtime::Loop& home, Daemon daemon);
  /// On home, or when that no longer runs. The ports are gone from the target, or it is.
  ~Engine() override;

  /// Before the first device. Without it nothing is kept.
  void set_keep(Keep keep, KeepRegistrations keep_registrations = {}) {
    keep_ = std::move(keep);
    keep_registrations_ = std::move(keep_registrations);
  }
  /// Whether devices that this thread enables and that cannot be opened are waited for; nothing is
  /// created for them. One thread at a time.
  void set_patient(bool patient) {
    patient_ = patient ? std::this_thread::get_id() : std::thread::id();
  }
  /// On no loop.
  std::vector<WaitingDevice> waiting() const;
  /// Tries to open what is waited for and shows it to the hosts. On no loop; may take as long as
  /// opening does. The tree has to be told: lio::device_arrived().
  std::vector<Arrival> look_for_waiting();
  /// What the tree shows and hosts do not see, or see otherwise, since it could not be done when
  /// nobody waited for it. On no loop.
  std::vector<Error> failures() const;

  lio::Result<lio::DeviceProperties> open_device(lio::DeviceId device, const lio::DeviceSpec& spec,
                                                 const lio::DeviceAttributes& attributes,
                                                 const lio::Identity& identity) override;
  void close_device(lio::DeviceId device) override;
  lio::Result<void> set_attributes(lio::DeviceId device,
                                   const lio::DeviceAttributes& attributes) override;
  void set_identity(lio::DeviceId device, const lio::Identity& identity) override;
  lio::Result<void> reconfigure(lio::DeviceId device, const lio::DeviceSpec& spec,
                                bool write_cache) override;
  lio::Result<lio::Resized> resize_device(lio::DeviceId device, std::uint64_t bytes,
                                          bool may_shrink) override;
  lio::Result<void> format_protection(lio::DeviceId device) override;
  void set_port_group(lio::DeviceId device, const lio::PortGroupState& group) override;
  void remove_port_group(lio::DeviceId device, std::uint16_t id) override;
  void set_lu_group(lio::DeviceId device, std::optional<std::uint16_t> id) override;
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
  bool is_waiting(lio::DeviceId device) const override;

 private:
  struct Device {
    lio::DeviceSpec spec;
    std::shared_ptr<store::Backstore> store;  ///< null: waited for
    Error why;                                ///< it is waited for
    MissingProtection if_missing{};           ///< while it is
    /// What `store` is, where it has protection information; else null.
    std::shared_ptr<store::ProtectedStore> protection;
    lio::DeviceAttributes attributes;
    lio::Identity identity;
    std::map<std::uint16_t, lio::PortGroupState> port_groups;
    std::optional<std::uint16_t> lu_group;
    scsi::ReservationState reservations;  ///< while no LUN does
    std::shared_ptr<scsi::Lu> lu;         ///< while LUNs show the device
    /// Where LUNs link to it; hosts see them only when it has come.
    std::vector<std::pair<lio::TpgId, std::uint16_t>> links;
    lio::Counters past;  ///< of units that it was before
  };
  /// An open store and, where it is one, the same with protection information.
  struct StoreInUse {
    std::shared_ptr<store::Backstore> store;
    std::shared_ptr<store::ProtectedStore> protection;
  };
  /// Of a LUN that is not shown yet.
  struct MappedLater {
    std::string initiator;
    target::MappedLun lun;
  };
  struct LinkedLun {
    lio::DeviceId device{};
    lio::LunAccess access;
    bool failed = false;  ///< hosts cannot see it
  };
  struct Tpg {
    target::PortHandle handle{};
    std::string port;
    std::unordered_map<std::uint16_t, LinkedLun> luns;
    std::vector<MappedLater> mapped_later;
  };

  bool is_patient() const { return patient_.load() == std::this_thread::get_id(); }
  /// Runs `work`, which returns Expected<void>, on home, with all that it needs by value. A patient
  /// thread does not wait for it: what it adds is there in its turn, before whatever comes next,
  /// and what fails is one of failures() under the name `object`, which is asked on home.
  lio::Result<void> add(std::function<std::string()> object, std::function<Expected<void>()> work);

  // On home.
  Expected<void> show(lio::DeviceId id, Device& device, Tpg& tpg, std::uint16_t lun,
                      const lio::LunAccess& access);
  void make_unit(lio::DeviceId id, Device& device) const;
  void hide(Device& device) const;
  std::optional<lio::DeviceProperties> arrive(const WaitingDevice& wanted, const StoreInUse& store);
  lio::Result<lio::Resized> wait_for_size(lio::DeviceId id, std::uint64_t bytes, bool may_shrink);
  void show_arrived(lio::DeviceId id, Device& device);
  void lend_memory(store::Backstore& plain) const { lend_from(plain.memory()); }
  void lend_from(runtime::PinnableMemory* memory) const;
  static runtime::PinnableMemory* last_memory(const Device& device);
  bool is_later(const Tpg& tpg, std::uint16_t lun) const;
  Expected<void> link_lun(lio::TpgId tpg, std::uint16_t lun, const LinkedLun& wanted, bool patient);
  void show_mappings(Tpg& tpg, std::uint16_t lun);
  void note(const std::string& object, const Expected<void>& done);
  void forget_failure(const std::string& object) { failures_.erase(object); }
  static std::string lun_name(const Tpg& tpg, std::uint16_t lun);
  static std::string mapped_name(const Tpg& tpg, std::string_view initiator, std::uint32_t mapped);
  static MappedLater* find_later(Tpg& tpg, std::string_view initiator, std::uint16_t mapped);
  void share_identifier();
  // Any thread.
  template <class Store>
  std::shared_ptr<Store> home_owned(std::unique_ptr<Store> store) const;
  Expected<StoreInUse> open_waiting(const WaitingDevice& wanted) const;
  Expected<StoreInUse> with_protection(std::shared_ptr<store::Backstore> plain,
                                       const lio::DeviceSpec& spec,
                                       const lio::DeviceAttributes& attributes,
                                       MissingProtection if_missing) const;
  bool concerns_protection(lio::DeviceId device, const lio::DeviceAttributes& attributes);
  lio::Result<void> change_protection(lio::DeviceId device,
                                      const lio::DeviceAttributes& attributes);
  static void plan_protection(Device& device, const lio::DeviceAttributes& attributes,
                              bool restored);
  void wait_for_protection(lio::DeviceId device, const lio::DeviceAttributes& attributes,
                           const Error& why);

  target::Target& target_;
  runtime::Loop& home_;
  const Daemon daemon_;
  Keep keep_;
  KeepRegistrations keep_registrations_;
  std::atomic<std::thread::id> patient_ = {};
  std::mutex protected_mutex_;
  std::set<lio::DeviceId> protected_;  ///< to which a protection type was given, now or before
  // Of home.
  std::unordered_map<lio::DeviceId, Device> devices_;
  std::unordered_map<lio::TpgId, Tpg> tpgs_;
  std::map<std::string, lio::PortSettings, std::less<>> ports_;
  std::map<std::string, Error> failures_;  ///< by object
};

// Stores look after themselves on home, and end there: the last to let go of one may be a thread
// that changes the tree. Nobody uses their memory then.
template <class Store>
std::shared_ptr<Store> Engine::home_owned(std::unique_ptr<Store> store) const {
  const auto end = [take_back = daemon_.take_back](Store* ending) {
    for (auto* memory = ending->memory(); memory != nullptr; memory = memory->next())
      take_back(*memory);
    delete ending;
  };
  return {store.release(), [&home = home_, end](Store* ending) {
            if (home.is_current()) {
              end(ending);
            } else {
              runtime::run_later(home, [ending, end] { end(ending); });
            }
          }};
}

}  // namespace srpd::control
