#include "lio/lun.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <utility>

#include "lio/device.h"
#include "lio/lun_statistics.h"
#include "lio/mapped_lun.h"
#include "lio/model.h"
#include "lio/names.h"
#include "lio/port.h"
#include "lio/text.h"
#include "lio/tpg.h"

namespace srpd::lio {
namespace {

constexpr std::size_t max_group_text = 256;
constexpr std::uint8_t altered_implicitly = 2;

std::string_view secondary_status(std::uint8_t status) {
  constexpr std::array<std::string_view, 3> words{"None", "Altered by Explicit STPG",
                                                  "Altered by Implicit ALUA"};
  return words[status];
}

}  // namespace

const Attribute Lun::rows[] = {
    row<&Lun::show_group, &Lun::store_group>("alua_tg_pt_gp"),
    row<&Lun::show_offline, &Lun::store_offline>("alua_tg_pt_offline"),
    row<&Lun::show_status, &Lun::store_status>("alua_tg_pt_status"),
    row<&Lun::show_write_metadata, &Lun::store_write_metadata>("alua_tg_pt_write_md"),
};

std::span<const Attribute> Lun::attributes() const { return rows; }

Lun::Lun(Luns& luns, std::uint16_t number) : luns_(luns), number_(number) {
  make_group<LunStatistics>("statistics", *this);
}

void Lun::drop(Change& change) {
  static_cast<void>(change);
  luns_.forget(number_);
}

Tpg& Lun::tpg() const { return luns_.tpg(); }

std::string Lun::member_text() const {
  return fmt::format("srpt/{}/{}/{}", tpg().port().name(), tpg().name(), name());
}

LunAccess Lun::access() const {
  return {.group = group_ ? group_->state().id : std::uint16_t{0}, .offline = offline_};
}

Result<void> Lun::allow_link(Change& change, std::string_view name, Directory& target) {
  static_cast<void>(name);
  auto* const device = dynamic_cast<Device*>(&target);
  if (!device) return fail(EFAULT, "the link does not lead to a device");
  if (!device->enabled()) return fail(ENODEV, "the device is not enabled", "write 1 to its enable");
  if (device_) return fail(EEXIST, "the LUN has a link already");
  auto added = change.unlocked([&] {
    return tpg().engine().add_lun(tpg().tpg_id(), number_, device->device_id(), access());
  });
  if (!added) return added;
  device_ = device;
  if (!device->passes_alua()) join(device->port_groups().default_group());
  return {};
}

void Lun::drop_link(Change& change, Directory& target) {
  static_cast<void>(target);
  for (MappedLun* mapped : mappings_) mapped->lun_gone();
  mappings_.clear();
  leave_group();
  device_ = nullptr;
  offline_ = false;
  status_ = 0;
  change.unlocked([this] { tpg().engine().remove_lun(tpg().tpg_id(), number_); });
  if (write_metadata_) forget_metadata(change, tpg().model(), metadata().path);
}

void Lun::leave_group() {
  if (group_) group_->leave(membership_);
  group_ = nullptr;
}

void Lun::join(PortGroup& group) {
  leave_group();
  group_ = &group;
  membership_ = group.join(*this);
  publish();
}

void Lun::publish() const { tpg().engine().set_lun_access(tpg().tpg_id(), number_, access()); }

Result<void> Lun::linked() const {
  if (device_) return {};
  return fail(ENODEV, "no link in the LUN leads to a device", "make one");
}

Result<std::string> Lun::show_group() const {
  if (auto good = linked(); !good) return tl::unexpected(good.error());
  if (!group_) return std::string();
  return fmt::format(
      "TG Port Alias: {}\nTG Port Group ID: {}\nTG Port Primary Access State: {}\n"
      "TG Port Primary Access Status: {}\nTG Port Secondary Access State: {}\n"
      "TG Port Secondary Access Status: {}\n",
      group_->name(), group_->state().id, group_->state_text(), group_->status_text(),
      offline_ ? "Offline" : "None", secondary_status(status_));
}

Result<void> Lun::store_group(Change& change, std::string_view text) {
  static_cast<void>(change);
  if (auto good = linked(); !good) return good;
  if (!group_) return fail(ENODEV, "ALUA of this device is its own business");
  if (text.size() > max_group_text) return fail(EINVAL, "the name is longer than 255 bytes");
  const std::string_view name = stripped(text);
  PortGroups& groups = device_->port_groups();
  PortGroup* const group = name == "NULL" ? &groups.default_group() : groups.find_group(name);
  if (!group)
    return fail(ENODEV, "the device has no group of that name", "make it in alua/ of the device");
  if (!group->usable()) return fail(ENODEV, "the group has no id", "write one to its tg_pt_gp_id");
  if (group != group_) join(*group);
  return {};
}

Result<std::string> Lun::show_offline() const {
  if (auto good = linked(); !good) return tl::unexpected(good.error());
  return line(offline_ ? 1 : 0);
}

Result<void> Lun::store_offline(Change& change, std::string_view text) {
  if (auto good = linked(); !good) return good;
  const auto wanted = parse_within(text, 0, 1);
  if (!wanted) return tl::unexpected(wanted.error());
  set_secondary(change, *wanted != 0, altered_implicitly);
  return {};
}

void Lun::set_secondary(Change& change, bool offline, std::uint8_t status) {
  offline_ = offline;
  status_ = status;
  publish();
  change.changed(*this, "alua_tg_pt_offline");
  change.changed(*this, "alua_tg_pt_status");
  if (write_metadata_) write_metadata(change, tpg().model(), metadata());
}

Result<std::string> Lun::show_status() const {
  if (auto good = linked(); !good) return tl::unexpected(good.error());
  return line(status_);
}

Result<void> Lun::store_status(Change& change, std::string_view text) {
  if (auto good = linked(); !good) return good;
  const auto wanted = parse_within(text, 0, 2);
  if (!wanted) return tl::unexpected(wanted.error());
  status_ = static_cast<std::uint8_t>(*wanted);
  if (write_metadata_) write_metadata(change, tpg().model(), metadata());
  return {};
}

Result<std::string> Lun::show_write_metadata() const {
  if (auto good = linked(); !good) return tl::unexpected(good.error());
  return line(write_metadata_ ? 1 : 0);
}

void Lun::set_write_metadata(Change& change, bool write) {
  if (std::exchange(write_metadata_, write) && !write)
    forget_metadata(change, tpg().model(), metadata().path);
}

Result<void> Lun::store_write_metadata(Change& change, std::string_view text) {
  if (auto good = linked(); !good) return good;
  const auto wanted = parse_within(text, 0, 1);
  if (!wanted) return tl::unexpected(wanted.error());
  set_write_metadata(change, *wanted != 0);
  return {};
}

void Lun::restore_secondary(Change& change, bool offline, std::uint8_t status) {
  write_metadata_ = true;
  set_secondary(change, offline, status);
}

MetadataFile Lun::metadata() const {
  return {fmt::format("srpt/{}+1/lun_{}", tpg().port().name(), number_),
          fmt::format("alua_tg_pt_offline={}\nalua_tg_pt_status={}\n", offline_ ? 1 : 0,
                      hex(status_, 2))};
}

Result<std::unique_ptr<Directory>> Luns::make(Change& change, std::string_view name) {
  static_cast<void>(change);
  const auto number = parse_lun_name(name);
  if (!number) return tl::unexpected(number.error());
  if (!numbers_.insert(*number).second)
    return fail(EEXIST, "another directory stands for the same LUN");
  return std::make_unique<Lun>(*this, *number);
}

}  // namespace srpd::lio
