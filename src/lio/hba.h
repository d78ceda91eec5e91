// core/: HBAs, by mkdir of TYPE_NUMBER, and devices in them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lio/device_spec.h"
#include "lio/rows.h"

namespace srpd::lio {

class Model;

class Hba final : public Directory {
 public:
  Hba(Model& model, Plugin plugin);

  std::span<const Attribute> attributes() const override;
  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override;

  Plugin plugin() const { return plugin_; }
  std::uint32_t index() const { return index_; }
  /// rd_mcp counts the devices of an HBA.
  std::uint32_t next_device_number() { return device_number_++; }

 private:
  static const Attribute rows[];

  std::string show_info() const;
  std::string show_mode() const;
  Result<void> store_mode(Change& change, std::string_view text);

  Model& model_;
  const Plugin plugin_;
  const std::uint32_t index_;
  std::uint32_t device_number_ = 0;
};

class Core final : public Directory {
 public:
  explicit Core(Model& model);
  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override;

 private:
  Model& model_;
};

}  // namespace srpd::lio
