// core/HBA/DEVICE/pr: persistent reservations (SPC-4 5.13) of a unit, in LIO's words, and the way
// back in for those that were saved: rtslib writes them to res_aptpl_metadata when it has set a
// device up.
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <memory>

#include "lio/aptpl.h"
#include "lio/device.h"
#include "lio/device_parts.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

constexpr std::string_view no_reservations = "SPC_RESERVATIONS_DISABLED\n";
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

  /// The device sees to them itself.
  bool passes_through() const { return device().numbers().pgr_support == 0; }
  bool disabled() const { return device().numbers().emulate_pr == 0; }

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
    if (disabled()) return std::string(no_reservations);
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
    if (disabled()) return std::string(no_reservations);
    if (passes_through()) return "SPC_PASSTHROUGH\n";
    return state().spc2 ? "SPC2_RESERVATIONS\n" : "SPC3_PERSISTENT_RESERVATIONS\n";
  }

  std::string show_aptpl() const {
    if (disabled() || passes_through()) return {};
    return fmt::format("APTPL Bit Status: {}\n", state().aptpl ? "Activated" : "Disabled");
  }

  std::string show_metadata() const {
    if (disabled() || passes_through()) return {};
    return "Ready to process PR APTPL metadata..\n";
  }

  Result<void> store_metadata(Change& change, std::string_view text);
};

Result<void> Pr::store_metadata(Change& change, std::string_view text) {
  // LIO says nothing to what it does not take then.
  if (disabled() || passes_through() || state().spc2) return {};
  if (device().exported())
    return fail(EINVAL, "a LUN shows the device", "write it before LUNs are linked");
  const auto registration = parse_registration(text, Reading::attribute);
  if (!registration) return tl::unexpected(registration.error());
  return device().restore(change, *registration);
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
