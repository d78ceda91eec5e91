#include "lio/hba.h"

#include <fmt/format.h>

#include <cerrno>

#include "lio/device.h"
#include "lio/lu_group.h"
#include "lio/model.h"
#include "lio/names.h"

namespace srpd::lio {
namespace {

class Alua final : public Directory {
 public:
  explicit Alua(Model& model) { make_group<LuGroups>("lu_gps", model); }
};

}  // namespace

const Attribute Hba::rows[] = {
    read_only<&Hba::show_info>("hba_info"),
    row<&Hba::show_mode, &Hba::store_mode>("hba_mode"),
};

Hba::Hba(Model& model, Plugin plugin)
    : model_(model), plugin_(plugin), index_(model.next_hba_index()) {}

std::span<const Attribute> Hba::attributes() const { return rows; }

Result<std::unique_ptr<Directory>> Hba::make(Change& change, std::string_view name) {
  static_cast<void>(change);
  return std::make_unique<Device>(model_, *this, name);
}

std::string Hba::show_info() const {
  return fmt::format("HBA Index: {} plugin: {} version: v5.0\n", index_, plugin_name(plugin_));
}

std::string Hba::show_mode() const { return "0\n"; }

Result<void> Hba::store_mode(Change& change, std::string_view text) {
  static_cast<void>(change);
  static_cast<void>(text);
  return fail(EINVAL, "no backstore of this type has modes");
}

Core::Core(Model& model) : model_(model) { make_group<Alua>("alua", model); }

Result<std::unique_ptr<Directory>> Core::make(Change& change, std::string_view name) {
  static_cast<void>(change);
  const auto plugin = parse_hba_name(name);
  if (!plugin) return tl::unexpected(plugin.error());
  return std::make_unique<Hba>(model_, *plugin);
}

}  // namespace srpd::lio
