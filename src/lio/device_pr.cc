// core/HBA/DEVICE/pr: persistent reservations (SPC-4 5.13) of a unit, in LIO's words, and the way
// back in for those that were saved: rtslib writes them to res_aptpl_metadata when it has set a
// device up.
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <memory>

#include "lio/device.h"
#include "lio/device_parts.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

constexpr std::string_view nobody = "No SPC-3 Reservation holder\n";

/// SPC-4 table 57.
std::string_view type_name(std::uint8_t type) {
  constexpr std::array<std::string_view, 9> names{"",
                                                  "Write Exclusive Access",
                                                  "",
                                                  "Exclusive Access",
                                                  "",
                                                  "Write Exclusive Access, Registrants Only",
                                                  "Exclusive Access, Registrants Only",
                                                  "Write Exclusive Access, All Registrants",
                                                  "Exclusive Access, All Registrants"};
  return type < names.size() && !names[type].empty() ? names[type] : "Unknown SPC-3 PR Type";
}

class Pr final : public DevicePart {
 public:
  explicit Pr(Device& device) : DevicePart(device) {}
  std::span<const Attribute> attributes() const override;

 private:
  static const Attribute rows[];

  bool passes_through() const { return device().plugin() == Plugin::pscsi; }

  Reservations state() const {
    if (!device().enabled() || passes_through()) return {};
    return device().engine().reservations(device().device_id());
  }

  /// Of an SPC-3 holder, else `nobody`.
  template <class Text>
  std::string of_holder(Text text) const {
    const Reservations now = state();
    return now.holder.empty() || now.spc2 ? std::string(nobody) : text(now.holder.front());
  }

  std::string show_holder() const {
    if (passes_through()) return "Passthrough\n";
    const Reservations now = state();
    if (now.holder.empty()) return std::string(nobody);
    return fmt::format("{} Reservation: srpt Initiator: {}\n", now.spc2 ? "SPC-2" : "SPC-3",
                       now.holder.front().initiator);
  }

  std::string show_all_ports() const {
    return of_holder([](const Reservations::Holder& holder) {
      return fmt::format("SPC-3 Reservation: {} Target Port{} registration\n",
                         holder.all_target_ports ? "All" : "Single",
                         holder.all_target_ports ? "s" : "");
    });
  }

  std::string show_holder_port() const {
    return of_holder([](const Reservations::Holder& holder) {
      return fmt::format(
          "SPC-3 Reservation: srpt Target Node Endpoint: {}\n"
          "SPC-3 Reservation: Relative Port Identifier Tag: {} srpt Portal Group Tag: 1 srpt "
          "Logical Unit: {}\n",
          holder.target, holder.rtpi, holder.lun);
    });
  }

  std::string show_type() const {
    return of_holder([](const Reservations::Holder& holder) {
      return fmt::format("SPC-3 Reservation Type: {}\n", type_name(holder.type));
    });
  }

  std::string show_generation() const { return hex(state().generation, 8) + '\n'; }

  std::string show_registered() const {
    const Reservations now = state();
    std::string out = "SPC-3 PR Registrations:\n";
    for (const auto& each : now.registrations)
      out += fmt::format("srpt Node: {} Key: 0x{:016x} PRgen: 0x{:08x}\n", each.initiator, each.key,
                         each.generation);
    return now.registrations.empty() ? out + "None\n" : out;
  }

  std::string show_kind() const {
    if (passes_through()) return "SPC_PASSTHROUGH\n";
    return state().spc2 ? "SPC2_RESERVATIONS\n" : "SPC3_PERSISTENT_RESERVATIONS\n";
  }

  std::string show_aptpl() const {
    if (passes_through()) return {};
    return fmt::format("APTPL Bit Status: {}\n", state().aptpl ? "Activated" : "Disabled");
  }

  std::string show_metadata() const {
    return passes_through() ? std::string() : "Ready to process PR APTPL metadata..\n";
  }

  Result<void> store_metadata(Change& change, std::string_view text);
};

/// KEY=VALUE items of one registration. Keys that are not known say nothing that is needed here.
Result<AptplRegistration> parse_registration(std::string_view text) {
  AptplRegistration found;
  Result<void> good;
  const auto number = [&](std::string_view item, std::string_view key, auto& member) {
    const auto value = value_of(item, key);
    if (!value) return false;
    const auto parsed = parse_number<std::uint64_t>(*value);
    if (!parsed) good = tl::unexpected(parsed.error());
    if (parsed) member = static_cast<std::remove_reference_t<decltype(member)>>(*parsed);
    return true;
  };
  // The file has these as two hex digits without 0x: "05".
  const auto octet = [&](std::string_view item, std::string_view key, std::uint8_t& member) {
    const auto value = value_of(item, key);
    if (!value) return false;
    const auto parsed = parse_number<std::uint8_t>("0x" + std::string(*value));
    if (!parsed) good = tl::unexpected(parsed.error());
    if (parsed) member = *parsed;
    return true;
  };
  const auto word = [](std::string_view item, std::string_view key, std::string& member) {
    const auto value = value_of(item, key);
    if (value) member = std::string(*value);
    return value.has_value();
  };
  for (const std::string_view item : split_items(text)) {
    word(item, "initiator_fabric", found.initiator_fabric) ||
        word(item, "initiator_node", found.initiator_node) ||
        word(item, "initiator_sid", found.initiator_sid) || number(item, "sa_res_key", found.key) ||
        number(item, "res_holder", found.holder) || octet(item, "res_type", found.type) ||
        octet(item, "res_scope", found.scope) ||
        number(item, "res_all_tg_pt", found.all_target_ports) ||
        number(item, "mapped_lun", found.mapped_lun) ||
        word(item, "target_fabric", found.target_fabric) ||
        word(item, "target_node", found.target_node) || number(item, "tpgt", found.tag) ||
        number(item, "port_rtpi", found.port_rtpi) || number(item, "target_lun", found.target_lun);
  }
  if (!good) return tl::unexpected(good.error());
  if (found.initiator_node.empty() || found.target_node.empty() || found.key == 0)
    return fail(EINVAL, "initiator_node, target_node or sa_res_key is missing");
  if (found.holder && found.type == 0) return fail(EINVAL, "res_type of the holder is missing");
  return found;
}

Result<void> Pr::store_metadata(Change& change, std::string_view text) {
  if (passes_through()) return {};
  if (device().exported())
    return fail(EINVAL, "a LUN shows the device", "write it before LUNs are linked");
  const auto registration = parse_registration(text);
  if (!registration) return tl::unexpected(registration.error());
  return change.unlocked(
      [&] { return device().engine().restore_registration(device().device_id(), *registration); });
}

const Attribute Pr::rows[] = {
    read_only<&Pr::show_holder>("res_holder"),
    read_only<&Pr::show_all_ports>("res_pr_all_tgt_pts"),
    read_only<&Pr::show_generation>("res_pr_generation"),
    read_only<&Pr::show_holder_port>("res_pr_holder_tg_port"),
    read_only<&Pr::show_registered>("res_pr_registered_i_pts"),
    read_only<&Pr::show_type>("res_pr_type"),
    read_only<&Pr::show_kind>("res_type"),
    read_only<&Pr::show_aptpl>("res_aptpl_active"),
    row<&Pr::show_metadata, &Pr::store_metadata>("res_aptpl_metadata"),
};

std::span<const Attribute> Pr::attributes() const { return rows; }

}  // namespace

std::unique_ptr<Directory> make_pr(Device& device) { return std::make_unique<Pr>(device); }

}  // namespace srpd::lio
