#include "lio/mapped_lun.h"

#include <cerrno>

#include "lio/acl.h"
#include "lio/device.h"
#include "lio/lun.h"
#include "lio/lun_statistics.h"
#include "lio/model.h"
#include "lio/text.h"
#include "lio/tpg.h"

namespace srpd::lio {

const Attribute MappedLun::rows[] = {
    row<&MappedLun::show_write_protect, &MappedLun::store_write_protect>("write_protect"),
};

std::span<const Attribute> MappedLun::attributes() const { return rows; }

MappedLun::MappedLun(Acl& acl, std::uint16_t number) : acl_(acl), number_(number) {
  make_group<MappedLunStatistics>("statistics", *this);
}

void MappedLun::drop(Change& change) {
  static_cast<void>(change);
  acl_.forget(number_);
}

Result<void> MappedLun::allow_link(Change& change, std::string_view name, Directory& target) {
  static_cast<void>(name);
  auto* const lun = dynamic_cast<Lun*>(&target);
  if (!lun) return fail(EFAULT, "the link does not lead to a LUN of the port");
  if (!lun->device())
    return fail(EINVAL, "no link in the LUN leads to a device", "make that one first");
  if (&lun->tpg() != &acl_.tpg()) return fail(EINVAL, "the LUN is one of another tpg");
  if (made_count() != 0) return fail(EINVAL, "there is a link already", "remove it first");
  const bool protect = lun->device()->properties().read_only;
  auto mapped = change.unlocked([&] {
    return acl_.tpg().engine().map_lun(acl_.tpg().tpg_id(), acl_.name(), number_, lun->number(),
                                       protect);
  });
  if (!mapped) return mapped;
  lun_ = lun;
  lun->add_mapping(*this);
  write_protect_ = protect;
  creation_time_ = creation_time_now();
  return {};
}

void MappedLun::drop_link(Change& change, Directory& target) {
  static_cast<void>(target);
  if (!lun_) return;
  lun_->remove_mapping(*this);
  lun_ = nullptr;
  change.unlocked(
      [this] { acl_.tpg().engine().unmap_lun(acl_.tpg().tpg_id(), acl_.name(), number_); });
}

std::string MappedLun::show_write_protect() const {
  return lun_ ? line(write_protect_ ? 1 : 0) : std::string();
}

/// Without a LUN it is accepted and lost, as in the kernel: rtslib writes it in any order.
Result<void> MappedLun::store_write_protect(Change& change, std::string_view text) {
  const auto wanted = parse_within(text, 0, 1);
  if (!wanted) return tl::unexpected(wanted.error());
  if (!lun_) return {};
  const bool protect = *wanted != 0;
  auto done = change.unlocked([&] {
    return acl_.tpg().engine().write_protect(acl_.tpg().tpg_id(), acl_.name(), number_, protect);
  });
  if (done) write_protect_ = protect;
  return done;
}

}  // namespace srpd::lio
