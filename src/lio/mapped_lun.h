// TPG/acls/INITIATOR/lun_N: shows a LUN of the port to an initiator, as its LUN N, when a link
// leads to it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lio/rows.h"

namespace srpd::lio {

class Acl;
class Lun;

class MappedLun final : public Directory {
 public:
  MappedLun(Acl& acl, std::uint16_t number);

  std::span<const Attribute> attributes() const override;
  bool takes_links() const override { return true; }
  Result<void> allow_link(Change& change, std::string_view name, Directory& target) override;
  void drop_link(Change& change, Directory& target) override;
  void drop(Change& change) override;

  Acl& acl() const { return acl_; }
  std::uint16_t number() const { return number_; }
  /// Null without a link, and when the LUN has lost its own since.
  Lun* lun() const { return lun_; }
  std::uint32_t creation_time() const { return creation_time_; }
  /// The LUN has lost its link: this one dangles, until it is made anew.
  void lun_gone() { lun_ = nullptr; }

 private:
  static const Attribute rows[];

  std::string show_write_protect() const;
  Result<void> store_write_protect(Change& change, std::string_view text);

  Acl& acl_;
  const std::uint16_t number_;
  bool write_protect_ = false;
  std::uint32_t creation_time_ = 0;
  Lun* lun_ = nullptr;
};

}  // namespace srpd::lio
