// core/HBA/DEVICE/wwn: what INQUIRY and the identification page say. Fixed as soon as a LUN shows
// it.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "lio/device.h"
#include "lio/device_parts.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

constexpr std::size_t max_serial_text = 253;  ///< with the newline
constexpr std::uint64_t max_company_id = 0xffffff;

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

class Wwn final : public DevicePart {
 public:
  explicit Wwn(Device& device) : DevicePart(device) {}
  std::span<const Attribute> attributes() const override;

 private:
  static const Attribute rows[];

  const Identity& identity() const { return device().identity(); }

  Result<void> changeable() const {
    if (!device().exported()) return {};
    return fail(EINVAL, "a LUN shows the device", "its identity is fixed until no LUN does");
  }

  template <std::string Identity::* member>
  std::string show() const {
    return identity().*member + '\n';
  }

  template <std::string Identity::* member, std::size_t most>
  Result<void> store(Change&, std::string_view text) {
    const std::string_view value = stripped(text);
    if (value.size() > most)
      return fail(EOVERFLOW, fmt::format("it has more than {} characters", most));
    if (!is_printable(value)) return fail(EINVAL, "not all of its characters are printable");
    if (auto free = changeable(); !free) return free;
    Identity wanted = identity();
    wanted.*member = std::string(value);
    device().set_identity(wanted);
    return {};
  }

  std::string show_company() const { return hex(identity().company_id, 6) + '\n'; }

  Result<void> store_company(Change&, std::string_view text) {
    const auto id = parse_number<std::uint32_t>(text);
    if (!id) return tl::unexpected(id.error());
    if (*id > max_company_id) return fail(EOVERFLOW, "an IEEE company id has 24 bits");
    if (auto free = changeable(); !free) return free;
    Identity wanted = identity();
    wanted.company_id = *id;
    device().set_identity(wanted);
    return {};
  }

  std::string show_serial() const {
    return "T10 VPD Unit Serial Number: " + identity().serial + '\n';
  }

  Result<void> store_serial(Change&, std::string_view text) {
    if (!device().properties().serial.empty())
      return fail(EOPNOTSUPP, "the SCSI device has a serial number of its own");
    if (text.size() > max_serial_text) return fail(EOVERFLOW, "it has more than 252 characters");
    if (auto free = changeable(); !free) return free;
    Identity wanted = identity();
    wanted.serial = std::string(stripped(text));
    device().set_identity(wanted);
    return {};
  }

  template <std::string DeviceProperties::* member>
  std::string show_vpd() const {
    return device().properties().*member;
  }
};

const Attribute Wwn::rows[] = {
    row<&Wwn::show_company, &Wwn::store_company>("company_id"),
    row<&Wwn::show<&Identity::vendor>, &Wwn::store<&Identity::vendor, 8>>("vendor_id"),
    row<&Wwn::show<&Identity::product>, &Wwn::store<&Identity::product, 16>>("product_id"),
    row<&Wwn::show<&Identity::revision>, &Wwn::store<&Identity::revision, 4>>("revision"),
    row<&Wwn::show_serial, &Wwn::store_serial>("vpd_unit_serial"),
    read_only<&Wwn::show_vpd<&DeviceProperties::vpd_protocol>>("vpd_protocol_identifier"),
    read_only<&Wwn::show_vpd<&DeviceProperties::vpd_logical_unit>>("vpd_assoc_logical_unit"),
    read_only<&Wwn::show_vpd<&DeviceProperties::vpd_target_port>>("vpd_assoc_target_port"),
    read_only<&Wwn::show_vpd<&DeviceProperties::vpd_target_device>>("vpd_assoc_scsi_target_device"),
};

std::span<const Attribute> Wwn::attributes() const { return rows; }

}  // namespace

std::unique_ptr<Directory> make_wwn(Device& device) { return std::make_unique<Wwn>(device); }

}  // namespace srpd::lio
