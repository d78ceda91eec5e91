// TPG/lun/lun_N: a LUN of a port, without effect until a link in it leads to an enabled device.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "lio/engine.h"
#include "lio/metadata.h"
#include "lio/port_group.h"
#include "lio/rows.h"

namespace srpd::lio {

class Device;
class Luns;
class MappedLun;
class Tpg;

class Lun final : public Directory {
 public:
  Lun(Luns& luns, std::uint16_t number);

  std::span<const Attribute> attributes() const override;
  bool takes_links() const override { return true; }
  Result<void> allow_link(Change& change, std::string_view name, Directory& target) override;
  void drop_link(Change& change, Directory& target) override;
  void drop(Change& change) override;

  Tpg& tpg() const;
  std::uint16_t number() const { return number_; }
  /// Null without a link.
  Device* device() const { return device_; }

  /// By a host, or as it was saved.
  void set_secondary(Change& change, bool offline, std::uint8_t status);
  /// As it was saved; the saved configuration does not say that it is to be.
  void restore_secondary(Change& change, bool offline, std::uint8_t status);
  MetadataFile metadata() const;

  /// Leaves its port group and joins another one of the device.
  void join(PortGroup& group);
  /// "srpt/PORT/TPG/lun_N": how members are listed.
  std::string member_text() const;

  void add_mapping(MappedLun& mapped) { mappings_.insert(&mapped); }
  void remove_mapping(MappedLun& mapped) { mappings_.erase(&mapped); }

 private:
  static const Attribute rows[];

  Result<std::string> show_group() const;
  Result<void> store_group(Change& change, std::string_view text);
  Result<std::string> show_offline() const;
  Result<void> store_offline(Change& change, std::string_view text);
  Result<std::string> show_status() const;
  Result<void> store_status(Change& change, std::string_view text);
  Result<std::string> show_write_metadata() const;
  Result<void> store_write_metadata(Change& change, std::string_view text);

  void set_write_metadata(Change& change, bool write);
  Result<void> linked() const;
  LunAccess access() const;
  void leave_group();
  void publish() const;

  Luns& luns_;
  const std::uint16_t number_;
  bool offline_ = false;
  bool write_metadata_ = false;
  std::uint8_t status_ = 0;
  Device* device_ = nullptr;
  PortGroup* group_ = nullptr;
  PortGroup::Members::iterator membership_;
  std::unordered_set<MappedLun*> mappings_;
};

class Luns final : public Directory {
 public:
  explicit Luns(Tpg& tpg) : tpg_(tpg) {}
  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override;
  Tpg& tpg() const { return tpg_; }
  void forget(std::uint16_t number) { numbers_.erase(number); }

 private:
  Tpg& tpg_;
  std::unordered_set<std::uint16_t> numbers_;
};

}  // namespace srpd::lio
