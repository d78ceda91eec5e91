// core/HBA/DEVICE: a backstore with its identity and attributes. Unconfigured until `enable`, which
// opens it for good; rmdir is the way back. Exported as long as a LUN links to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lio/device_spec.h"
#include "lio/engine.h"
#include "lio/lu_group.h"
#include "lio/port_group.h"
#include "lio/rows.h"

namespace srpd::lio {

class Hba;
class Model;

class Device final : public Directory {
 public:
  Device(Model& model, Hba& hba, std::string_view name);

  std::span<const Attribute> attributes() const override;
  void drop(Change& change) override;

  Model& model() const { return model_; }
  Engine& engine() const;
  DeviceId device_id() const { return id_; }
  Plugin plugin() const { return spec_.plugin; }
  const std::string& hba_name() const;
  std::uint32_t hba_index() const;
  /// Of the statistics; 0 before enable. Every attempt at that takes one.
  std::uint32_t index() const { return index_; }
  std::uint32_t creation_time() const { return creation_time_; }
  bool enabled() const { return enabled_; }
  bool exported() const { return link_count() != 0; }
  bool is_user() const { return plugin() == Plugin::user; }
  const DeviceSpec& spec() const { return spec_; }
  const DeviceProperties& properties() const { return properties_; }

  const DeviceAttributes& numbers() const { return numbers_; }
  Result<void> set_numbers(Change& change, const DeviceAttributes& wanted);
  /// dev_config, dev_size, emulate_write_cache of a user device.
  Result<void> reconfigure(Change& change, const DeviceSpec& spec, bool write_cache);

  /// Serves another size; with 0 the one that is behind the device now.
  Result<Resized> resize(Change& change, std::uint64_t bytes, bool may_shrink);
  /// Whether it is not there yet, so that what depends on it cannot be checked.
  bool waiting() const { return enabled_ && properties_.waiting; }
  /// Whether the value of an attribute is only assumed: the device has not come to say, nor has
  /// anybody else.
  bool assumes(std::string_view attribute) const;
  /// Somebody has said what an attribute is to be: a device that comes later changes it no more.
  void said(std::uint32_t DeviceAttributes::* attribute);
  /// The engine has found what it took on trust by `enable`.
  void arrived(Change& change, const DeviceProperties& found);

  /// A registration that was kept over a loss of power. Before `enable` it waits for that.
  Result<void> restore(Change& change, const AptplRegistration& registration);

  const Identity& identity() const { return identity_; }
  void set_identity(const Identity& identity);
  /// What `product_id` is without emulate_model_alias.
  std::string_view plugin_product() const;

  PortGroups& port_groups() const { return *port_groups_; }
  /// pscsi, and a user device so configured: ALUA is the device's own business.
  bool passes_alua() const { return numbers_.alua_support == 0; }

  /// Leaves its LU group and joins another one, or none.
  void join(LuGroup* group);
  /// Null: in none.
  const LuGroup* lu_group() const { return lu_group_; }

 private:
  static const Attribute rows[];

  Result<void> store_control(Change& change, std::string_view text);
  std::string show_enable() const;
  Result<void> store_enable(Change& change, std::string_view text);
  std::string show_info() const;
  std::string show_udev_path() const;
  Result<void> store_udev_path(Change& change, std::string_view text);
  std::string show_alias() const;
  Result<void> store_alias(Change& change, std::string_view text);
  std::string show_lu_group() const;
  Result<void> store_lu_group(Change& change, std::string_view text);
  std::string show_lba_map() const;
  Result<void> store_lba_map(Change& change, std::string_view text);

  Result<void> open(Change& change);
  /// The attributes when the device has just been opened.
  DeviceAttributes numbers_of(const DeviceProperties& found) const;
  void take_identity();
  bool leads_into_own_mount() const;
  void leave_lu_group();

  Model& model_;
  Hba& hba_;
  const DeviceId id_;
  const std::uint32_t creation_time_;
  std::uint32_t index_ = 0;
  std::uint32_t number_ = 0;  ///< among those enabled in the HBA
  std::uint32_t tables_ = 0;
  bool enabled_ = false;
  bool has_alias_ = false;
  bool has_udev_path_ = false;
  DeviceSpec spec_;
  DeviceProperties properties_;
  DeviceAttributes numbers_;
  std::vector<std::uint32_t DeviceAttributes::*> said_;  ///< while it is waited for
  std::vector<AptplRegistration> registrations_;         ///< that wait for `enable`
  Identity identity_;
  std::string alias_;
  std::string lba_map_;
  PortGroups* port_groups_ = nullptr;
  LuGroup* lu_group_ = nullptr;
  LuGroup::Members::iterator membership_;
};

/// A default group of a device.
class DevicePart : public Directory {
 public:
  Device& device() const { return device_; }

 protected:
  explicit DevicePart(Device& device) : device_(device) {}

 private:
  Device& device_;
};

}  // namespace srpd::lio
