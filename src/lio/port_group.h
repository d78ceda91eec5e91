// core/HBA/DEVICE/alua: ALUA target port groups (SPC-4 5.15.2.2), by mkdir. Every LUN of the device
// is in one; the default one takes those that are in no other.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lio/engine.h"
#include "lio/metadata.h"
#include "lio/rows.h"

namespace srpd::lio {

class Device;
class Lun;
class PortGroups;

class PortGroup final : public Directory {
 public:
  using Members = std::list<Lun*>;

  PortGroup(PortGroups& groups, std::optional<std::uint16_t> id);

  std::span<const Attribute> attributes() const override;
  void drop(Change& change) override;

  /// One that LUNs can be put into.
  bool usable() const { return has_id_; }
  const PortGroupState& state() const { return state_; }
  Members::iterator join(Lun& lun) { return members_.insert(members_.end(), &lun); }
  void leave(Members::iterator member) { members_.erase(member); }

  const Members& members() const { return members_; }
  /// Changes the state of the group, and of those with its id of the other units in the unit's LU
  /// group.
  void change_state(Change& change, std::uint8_t state, std::uint8_t status);
  /// As it was saved, when the group has such a state.
  bool restore(Change& change, std::uint8_t state, std::uint8_t status);
  /// Where its state is saved; a group that is not saved has no such place.
  std::optional<MetadataFile> metadata() const;
  void support_lba_dependent();

  /// The words of alua_tg_pt_gp.
  std::string_view state_text() const;
  std::string_view status_text() const;

 private:
  static const Attribute rows[];

  std::string show_id() const;
  Result<void> store_id(Change& change, std::string_view text);
  std::string show_state() const;
  Result<void> store_state(Change& change, std::string_view text);
  std::string show_status() const;
  Result<void> store_status(Change& change, std::string_view text);
  std::string show_type() const;
  Result<void> store_type(Change& change, std::string_view text);
  template <std::uint8_t bit>
  std::string show_support() const;
  template <std::uint8_t bit>
  Result<void> store_support(Change& change, std::string_view text);
  template <std::uint32_t PortGroupState::* member>
  std::string show_time() const;
  template <std::uint32_t PortGroupState::* member, std::uint32_t most>
  Result<void> store_time(Change& change, std::string_view text);
  std::string show_preferred() const;
  Result<void> store_preferred(Change& change, std::string_view text);
  std::string show_write_metadata() const;
  Result<void> store_write_metadata(Change& change, std::string_view text);
  std::string show_members() const;

  void set_write_metadata(Change& change, bool write);
  Result<void> check_transition(std::uint64_t state) const;
  void publish();
  void enter(Change& change, std::uint8_t state, std::uint8_t status);
  std::vector<PortGroup*> together();

  PortGroups& groups_;
  PortGroupState state_;
  bool has_id_ = false;
  bool write_metadata_ = false;
  Members members_;
};

class PortGroups final : public Directory {
 public:
  explicit PortGroups(Device& device);

  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override;
  Device& device() const { return device_; }
  PortGroup& default_group() const { return *default_group_; }
  PortGroup* find_group(std::string_view name) const {
    return static_cast<PortGroup*>(find_directory(name));
  }
  /// The device has been given a map of states (lba_map): those with an id support such states.
  void support_lba_dependent() const;
  /// All groups, for an engine that has just opened the device.
  void publish_all() const;

  /// What a host has set.
  void take_over(Change& change, const std::vector<AccessChange>& changes);
  /// Null: none has the id.
  PortGroup* find_id(std::uint16_t id) const;

  /// 0: the next free one. EINVAL when taken.
  Result<std::uint16_t> take_id(std::uint16_t wanted, PortGroup& group);
  void give_id(std::uint16_t id) { ids_.erase(id); }

 private:
  Device& device_;
  std::map<std::uint16_t, PortGroup*> ids_;
  std::uint16_t next_id_ = 1;
  PortGroup* default_group_ = nullptr;
};

}  // namespace srpd::lio
