// core/HBA/DEVICE/attrib: the rules by which attributes of a unit are written, each a function of
// Attrib; attrib_tables.cc says which attribute has which.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lio/device.h"
#include "lio/text.h"

namespace srpd::lio {

class Attrib final : public DevicePart {
 public:
  using Number = std::uint32_t DeviceAttributes::*;

  explicit Attrib(Device& device) : DevicePart(device) {}
  std::span<const Attribute> attributes() const override;

  template <auto member>
  std::string show() const {
    return line(numbers().*member);
  }

  /// Any 32-bit number.
  template <Number member>
  Result<void> store_number(Change& change, std::string_view text) {
    const auto value = parse_number<std::uint32_t>(text);
    if (!value) return tl::unexpected(value.error());
    return set(change, member, *value);
  }
  template <Number member>
  Result<void> store_flag(Change& change, std::string_view text) {
    const auto flag = parse_flag(text);
    if (!flag) return tl::unexpected(flag.error());
    return set(change, member, *flag ? 1 : 0);
  }
  /// Not while a LUN shows the device.
  template <Number member>
  Result<void> store_flag_before_export(Change& change, std::string_view text) {
    const auto flag = parse_flag(text);
    if (!flag) return tl::unexpected(flag.error());
    if (auto free = before_export(); !free) return free;
    return set(change, member, *flag ? 1 : 0);
  }
  /// What the backstore decides, and only some let change.
  template <Number member>
  Result<void> store_support(Change& change, std::string_view text) {
    const auto flag = parse_flag(text);
    if (!flag) return tl::unexpected(flag.error());
    if ((numbers().*member != 0) == *flag) return {};
    if (!support_is_free(member)) return fail(ENOSYS, "the backstore decides about it");
    return set(change, member, *flag ? 1 : 0);
  }
  /// What needs UNMAP.
  template <Number member>
  Result<void> store_unmap_flag(Change& change, std::string_view text) {
    const auto flag = parse_flag(text);
    if (!flag) return tl::unexpected(flag.error());
    if (member == &DeviceAttributes::unmap_zeroes_data) {
      if (auto free = before_export(); !free) return free;
    }
    if (*flag) {
      if (auto able = can_unmap(); !able) return able;
    }
    return set(change, member, *flag ? 1 : 0);
  }
  std::string show_one() const { return "1\n"; }
  std::string show_zero() const { return "0\n"; }
  Result<void> ignore(Change& change, std::string_view text);

  Result<void> store_block_size(Change& change, std::string_view text);
  Result<void> store_model_alias(Change& change, std::string_view text);
  Result<void> store_optimal_sectors(Change& change, std::string_view text);
  Result<void> store_pi_prot_format(Change& change, std::string_view text);
  Result<void> store_pi_prot_type(Change& change, std::string_view text);
  Result<void> store_pi_prot_verify(Change& change, std::string_view text);
  Result<void> store_queue_depth(Change& change, std::string_view text);
  Result<void> store_rest_reord(Change& change, std::string_view text);
  Result<void> store_submit_type(Change& change, std::string_view text);
  Result<void> store_ua_intlck_ctrl(Change& change, std::string_view text);
  Result<void> store_write_cache(Change& change, std::string_view text);

  // user
  std::string show_config() const;
  Result<void> store_config(Change& change, std::string_view text);
  std::string show_size() const;
  Result<void> store_size(Change& change, std::string_view text);
  Result<void> store_user_write_cache(Change& change, std::string_view text);
  std::string show_command_timeout() const;
  Result<void> store_command_timeout(Change& change, std::string_view text);
  std::string show_queue_full_timeout() const;
  Result<void> store_queue_full_timeout(Change& change, std::string_view text);
  Result<void> store_reply_supported(Change& change, std::string_view text);
  Result<void> store_tmr_notification(Change& change, std::string_view text);
  template <std::uint32_t DeviceSpec::* member>
  std::string show_spec() const {
    return line(device().spec().*member);
  }

 private:
  const DeviceAttributes& numbers() const { return device().numbers(); }
  Result<void> set(Change& change, Number member, std::uint32_t value);
  Result<void> before_export() const;
  Result<void> before_hosts_see_it() const;
  Result<void> can_unmap() const;
  bool support_is_free(Number member) const;
  std::string_view config() const;
};

/// Of a device of this kind, on this kernel.
std::span<const Attribute> attrib_table(Plugin plugin, bool newer);

}  // namespace srpd::lio
