#include "lio/attrib.h"

#include <fmt/format.h>

#include <cerrno>
#include <limits>
#include <memory>

#include "lio/device_parts.h"
#include "lio/model.h"

namespace srpd::lio {
namespace {

constexpr std::size_t max_model_alias = 15;
constexpr std::uint32_t ms_per_s = 1000;
constexpr std::size_t max_config_text = 255;

template <class T>
tl::unexpected<tree::Failure> failed(const Result<T>& result) {
  return tl::unexpected(result.error());
}

}  // namespace

std::unique_ptr<Directory> make_attrib(Device& device) { return std::make_unique<Attrib>(device); }

std::span<const Attribute> Attrib::attributes() const {
  return attrib_table(device().plugin(), device().model().newer());
}

Result<void> Attrib::set(Change& change, Number member, std::uint32_t value) {
  DeviceAttributes wanted = numbers();
  wanted.*member = value;
  auto taken = device().set_numbers(change, wanted);
  if (taken) device().said(member);
  return taken;
}

Result<void> Attrib::before_export() const {
  if (!device().exported()) return {};
  return fail(EINVAL, "a LUN shows the device", "it can change when no LUN does");
}

/// As long as something of the device is missing no host sees it.
Result<void> Attrib::before_hosts_see_it() const {
  if (device().exported() && device().engine().is_waiting(device().device_id())) return {};
  return before_export();
}

/// LIO asks the backstore when no limits are set; before `enable` there is nobody to ask.
Result<void> Attrib::can_unmap() const {
  if (numbers().max_unmap_block_desc_count != 0 || device().waiting()) return {};
  const bool asks = device().plugin() == Plugin::fileio || device().plugin() == Plugin::iblock;
  if (asks && !device().enabled())
    return fail(ENODEV, "the device is not enabled", "write 1 to its enable");
  if (asks && device().properties().can_unmap) return {};
  return fail(ENOSYS, "the backstore cannot unmap");
}

bool Attrib::support_is_free(Number member) const {
  if (device().is_user()) return true;
  return member == &DeviceAttributes::pgr_support && device().plugin() == Plugin::iblock &&
         device().model().newer();
}

Result<void> Attrib::ignore(Change& change, std::string_view text) {
  static_cast<void>(change);
  static_cast<void>(text);
  return {};
}

Result<void> Attrib::store_block_size(Change& change, std::string_view text) {
  const auto size = parse_number<std::uint32_t>(text);
  if (!size) return failed(size);
  if (*size != 512 && *size != 1024 && *size != 2048 && *size != 4096)
    return fail(EINVAL, "it is none of 512, 1024, 2048 and 4096");
  if (auto free = before_export(); !free) return free;
  DeviceAttributes wanted = numbers();
  wanted.block_size = *size;
  if (const std::uint32_t most = device().properties().max_bytes_per_io)
    wanted.hw_max_sectors = most / *size;
  auto taken = device().set_numbers(change, wanted);
  if (taken) device().said(&DeviceAttributes::block_size);
  return taken;
}

Result<void> Attrib::store_model_alias(Change& change, std::string_view text) {
  const auto flag = parse_flag(text);
  if (!flag) return failed(flag);
  if (auto free = before_export(); !free) return free;
  if (auto done = set(change, &DeviceAttributes::emulate_model_alias, *flag ? 1 : 0); !done)
    return done;
  Identity identity = device().identity();
  identity.product =
      *flag ? device().name().substr(0, max_model_alias) : std::string(device().plugin_product());
  device().set_identity(identity);
  return {};
}

Result<void> Attrib::store_optimal_sectors(Change& change, std::string_view text) {
  const auto sectors = parse_number<std::uint32_t>(text);
  if (!sectors) return failed(sectors);
  if (auto free = before_export(); !free) return free;
  if (*sectors > numbers().hw_max_sectors && !device().waiting())
    return fail(EINVAL,
                fmt::format("it is more than hw_max_sectors, {}", numbers().hw_max_sectors));
  return set(change, &DeviceAttributes::optimal_sectors, *sectors);
}

Result<void> Attrib::store_pi_prot_format(Change& change, std::string_view text) {
  const auto flag = parse_flag(text);
  if (!flag) return failed(flag);
  if (!*flag) return {};
  if (device().plugin() != Plugin::fileio)
    return fail(ENOSYS, "the backstore keeps no protection information");
  if (!device().enabled())
    return fail(ENODEV, "the device is not enabled", "write 1 to its enable");
  if (auto free = before_hosts_see_it(); !free) return free;
  if (numbers().pi_prot_type == 0)
    return fail(ENODEV, "it has no protection type", "write one to pi_prot_type");
  return change.unlocked(
      [this] { return device().engine().format_protection(device().device_id()); });
}

Result<void> Attrib::store_pi_prot_type(Change& change, std::string_view text) {
  const auto type = parse_number<std::uint32_t>(text);
  if (!type) return failed(type);
  if (*type > 3) return fail(EINVAL, "it is none of 0, 1 and 3");
  if (*type == 2) return fail(ENOSYS, "protection type 2 is not served");
  if (device().plugin() == Plugin::iblock) {
    if (*type == 0) return {};
    return fail(ENOSYS, "the backstore keeps no protection information");
  }
  if (!device().enabled())
    return fail(ENODEV, "the device is not enabled", "write 1 to its enable");
  if (auto free = before_hosts_see_it(); !free) return free;
  DeviceAttributes wanted = numbers();
  wanted.pi_prot_type = *type;
  wanted.pi_prot_verify = *type != 0 ? 1 : 0;
  return device().set_numbers(change, wanted);
}

Result<void> Attrib::store_pi_prot_verify(Change& change, std::string_view text) {
  const auto flag = parse_flag(text);
  if (!flag) return failed(flag);
  const bool protects = numbers().pi_prot_type != 0;
  return set(change, &DeviceAttributes::pi_prot_verify, *flag && protects ? 1 : 0);
}

Result<void> Attrib::store_queue_depth(Change& change, std::string_view text) {
  const auto depth = parse_number<std::uint32_t>(text);
  if (!depth) return failed(depth);
  if (auto free = before_export(); !free) return free;
  if (*depth == 0 || (*depth > numbers().hw_queue_depth && !device().waiting()))
    return fail(EINVAL,
                fmt::format("it is not from 1 to hw_queue_depth, {}", numbers().hw_queue_depth));
  return set(change, &DeviceAttributes::queue_depth, *depth);
}

Result<void> Attrib::store_rest_reord(Change& change, std::string_view text) {
  static_cast<void>(change);
  const auto flag = parse_flag(text);
  if (!flag) return failed(flag);
  if (*flag) return fail(ENOSYS, "restricted reordering is not served");
  return {};
}

Result<void> Attrib::store_submit_type(Change& change, std::string_view text) {
  const auto type = parse_number<std::uint8_t>(text);
  if (!type) return failed(type);
  if (*type > 2) return fail(EINVAL, "it is none of 0, 1 and 2");
  return set(change, &DeviceAttributes::submit_type, *type);
}

Result<void> Attrib::store_ua_intlck_ctrl(Change& change, std::string_view text) {
  const auto control = parse_number<std::uint32_t>(text);
  if (!control) return failed(control);
  if (*control > 2) return fail(EINVAL, "it is none of 0, 1 and 2");
  if (auto free = before_export(); !free) return free;
  return set(change, &DeviceAttributes::emulate_ua_intlck_ctrl, *control);
}

Result<void> Attrib::store_write_cache(Change& change, std::string_view text) {
  const auto flag = parse_flag(text);
  if (!flag) return failed(flag);
  if (*flag && device().plugin() == Plugin::iblock && !device().waiting())
    return fail(EINVAL, "it follows the cache of the block device");
  return set(change, &DeviceAttributes::emulate_write_cache, *flag ? 1 : 0);
}

std::string_view Attrib::config() const {
  const auto& config = device().spec().config;
  return config ? std::string_view(*config) : std::string_view();
}

std::string Attrib::show_config() const { return std::string(config()) + '\n'; }

/// Where LIO asks a handler that is not there, what asks for no change is taken: rtslib writes all
/// attributes again after `enable`.
Result<void> Attrib::store_config(Change& change, std::string_view text) {
  const std::string_view wanted = stripped(text);
  if (text.empty() || text.size() > max_config_text)
    return fail(EINVAL, "it has not 1 to 255 characters");
  if (wanted == config() && device().enabled()) return {};
  DeviceSpec spec = device().spec();
  spec.config = std::string(wanted);
  return device().reconfigure(change, spec, numbers().emulate_write_cache != 0);
}

std::string Attrib::show_size() const { return line(device().spec().size.value_or(0)); }

Result<void> Attrib::store_size(Change& change, std::string_view text) {
  const auto size = parse_unsigned(text);
  if (!size) return failed(size);
  if (*size == device().spec().size.value_or(0)) return {};
  DeviceSpec spec = device().spec();
  spec.size = *size;
  return device().reconfigure(change, spec, numbers().emulate_write_cache != 0);
}

Result<void> Attrib::store_user_write_cache(Change& change, std::string_view text) {
  const auto number = parse_number<std::uint8_t>(text);
  if (!number) return failed(number);
  const bool wanted = *number != 0;
  if (wanted == (numbers().emulate_write_cache != 0)) return {};
  return device().reconfigure(change, device().spec(), wanted);
}

std::string Attrib::show_command_timeout() const {
  return line(numbers().cmd_time_out_ms / ms_per_s);
}

/// In milliseconds modulo 2^32, as LIO.
Result<void> Attrib::store_command_timeout(Change& change, std::string_view text) {
  if (auto free = before_export(); !free) return free;
  const auto seconds = parse_number<std::uint32_t>(text);
  if (!seconds) return failed(seconds);
  return set(change, &DeviceAttributes::cmd_time_out_ms, *seconds * ms_per_s);
}

std::string Attrib::show_queue_full_timeout() const {
  const std::int32_t ms = numbers().qfull_time_out;
  return line(ms <= 0 ? ms : ms / static_cast<std::int32_t>(ms_per_s));
}

Result<void> Attrib::store_queue_full_timeout(Change& change, std::string_view text) {
  constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max() / 1000;
  const auto seconds = parse_number<std::int32_t>(text);
  if (!seconds) return failed(seconds);
  if (*seconds < -1 || *seconds > most)
    return fail(EINVAL, fmt::format("it is not from -1 to {}", most));
  DeviceAttributes wanted = numbers();
  wanted.qfull_time_out = *seconds < 0 ? -1 : *seconds * 1000;
  return device().set_numbers(change, wanted);
}

Result<void> Attrib::store_reply_supported(Change& change, std::string_view text) {
  const auto number = parse_number<std::int8_t>(text);
  if (!number) return failed(number);
  DeviceAttributes wanted = numbers();
  wanted.nl_reply_supported = *number;
  return device().set_numbers(change, wanted);
}

Result<void> Attrib::store_tmr_notification(Change& change, std::string_view text) {
  const auto number = parse_number<std::uint8_t>(text);
  if (!number) return failed(number);
  if (*number > 1) return fail(EINVAL, "it is neither 0 nor 1");
  return set(change, &DeviceAttributes::tmr_notification, *number);
}

}  // namespace srpd::lio
