#include "lio/lu_group.h"

#include <cerrno>

#include "lio/device.h"
#include "lio/model.h"
#include "lio/text.h"

namespace srpd::lio {

const Attribute LuGroup::rows[] = {
    row<&LuGroup::show_id, &LuGroup::store_id>("lu_gp_id"),
    read_only<&LuGroup::show_members>("members"),
};

std::span<const Attribute> LuGroup::attributes() const { return rows; }

std::string LuGroup::show_id() const { return id_ ? line(*id_) : std::string(); }

Result<void> LuGroup::store_id(Change& change, std::string_view text) {
  static_cast<void>(change);
  const auto wanted = parse_within(text, 0, UINT16_MAX);
  if (!wanted) return tl::unexpected(wanted.error());
  if (id_) return fail(EINVAL, "the group has an id already", "make a new group");
  const auto taken = groups_.take_id(static_cast<std::uint16_t>(*wanted), *this);
  if (!taken) return tl::unexpected(taken.error());
  id_ = *taken;
  return {};
}

std::string LuGroup::show_members() const {
  std::string out;
  for (const Device* device : members_) out += device->hba_name() + '/' + device->name() + '\n';
  return out;
}

LuGroup::Members::iterator LuGroup::join(Device& device) {
  return members_.insert(members_.end(), &device);
}

void LuGroup::drop(Change& change) {
  static_cast<void>(change);
  while (!members_.empty()) members_.front()->join(&groups_.default_group());
  if (id_) groups_.give_id(*id_);
}

LuGroups::LuGroups(Model& model)
    : default_group_(make_group<LuGroup>("default_lu_gp", *this, std::uint16_t{0})) {
  ids_.emplace(0, &default_group_);
  model.set_lu_groups(*this);
}

Result<std::unique_ptr<Directory>> LuGroups::make(Change& change, std::string_view name) {
  static_cast<void>(change);
  static_cast<void>(name);
  return std::make_unique<LuGroup>(*this, std::nullopt);
}

Result<LuGroup*> LuGroups::usable(std::string_view name) const {
  const auto found = static_cast<LuGroup*>(find_directory(name));
  if (!found || found == &default_group_)
    return fail(ENODEV, "there is no group of that name below alua/lu_gps",
                "make it, or write NULL for no group");
  if (!found->id()) return fail(ENODEV, "the group has no id", "write one to its lu_gp_id");
  return found;
}

Result<std::uint16_t> LuGroups::take_id(std::uint16_t wanted, LuGroup& group) {
  if (wanted != 0) {
    if (!ids_.emplace(wanted, &group).second)
      return fail(EINVAL, "another group has this id", "write 0 for a free one");
    return wanted;
  }
  for (std::uint32_t tries = 0; tries <= UINT16_MAX; ++tries) {
    const std::uint16_t id = next_id_++;
    if (ids_.emplace(id, &group).second) return id;
  }
  return fail(EINVAL, "there is no free id");
}

}  // namespace srpd::lio
