// core/alua/lu_gps: groups of units whose ALUA states change together (SPC-4 5.15.2.2). A device is
// in one of them at most, from when it is enabled.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lio/rows.h"

namespace srpd::lio {

class Device;
class LuGroups;
class Model;

class LuGroup final : public Directory {
 public:
  using Members = std::list<Device*>;

  /// `id` of the default group; others get theirs by a store.
  LuGroup(LuGroups& groups, std::optional<std::uint16_t> id) : groups_(groups), id_(id) {}

  std::span<const Attribute> attributes() const override;
  void drop(Change& change) override;

  std::optional<std::uint16_t> id() const { return id_; }
  Members::iterator join(Device& device);
  void leave(Members::iterator member) { members_.erase(member); }
  const Members& members() const { return members_; }

 private:
  static const Attribute rows[];

  std::string show_id() const;
  Result<void> store_id(Change& change, std::string_view text);
  std::string show_members() const;

  LuGroups& groups_;
  std::optional<std::uint16_t> id_;
  Members members_;
};

class LuGroups final : public Directory {
 public:
  explicit LuGroups(Model& model);

  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override;
  LuGroup& default_group() const { return default_group_; }
  /// A group that a device can be put into, by a user.
  Result<LuGroup*> usable(std::string_view name) const;

  /// 0: the next free one. EINVAL when taken.
  Result<std::uint16_t> take_id(std::uint16_t wanted, LuGroup& group);
  void give_id(std::uint16_t id) { ids_.erase(id); }

 private:
  LuGroup& default_group_;
  std::map<std::uint16_t, LuGroup*> ids_;
  std::uint16_t next_id_ = 1;
};

}  // namespace srpd::lio
