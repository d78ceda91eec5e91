// core/HBA/DEVICE/action: what can be done to a user device whose handler is stuck; empty for
// others.
#include <fmt/format.h>

#include <cerrno>

#include "lio/device.h"
#include "lio/device_parts.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

class Action final : public DevicePart {
 public:
  explicit Action(Device& device) : DevicePart(device) {}

  std::span<const Attribute> attributes() const override;

 private:
  static const Attribute rows[];

  std::string show_block() const { return blocked_ ? "blocked\n" : "unblocked\n"; }

  Result<void> store_block(Change&, std::string_view text) {
    const auto wanted = number<std::uint8_t>(text, 0, 1);
    if (!wanted) return tl::unexpected(wanted.error());
    blocked_ = *wanted != 0;
    return {};
  }

  Result<void> store_reset(Change&, std::string_view text) {
    const auto level = number<std::uint8_t>(text, 1, 2);
    if (!level) return tl::unexpected(level.error());
    return {};
  }

  Result<void> store_free(Change&, std::string_view text) {
    const auto wanted = number<std::uint16_t>(text, 0, UINT16_MAX);
    if (!wanted) return tl::unexpected(wanted.error());
    return fail(EINVAL, "no buffer of a removed command is kept");
  }

  /// ERANGE where it does not fit.
  template <class T>
  Result<T> number(std::string_view text, T least, T most) const {
    if (!device().enabled()) return not_enabled();
    const auto value = parse_number<T>(text);
    if (!value) return value;
    if (*value < least || *value > most)
      return fail(EINVAL, fmt::format("{} is not from {} to {}", *value, least, most));
    return value;
  }

  static tl::unexpected<tree::Failure> not_enabled() {
    return fail(EINVAL, "the device is not enabled", "write 1 to its enable");
  }

  bool blocked_ = false;
};

const Attribute Action::rows[] = {
    row<&Action::show_block, &Action::store_block>("block_dev"),
    write_only<&Action::store_free>("free_kept_buf"),
    write_only<&Action::store_reset>("reset_ring"),
};

std::span<const Attribute> Action::attributes() const {
  return device().is_user() ? std::span<const Attribute>(rows) : std::span<const Attribute>();
}

}  // namespace

std::unique_ptr<Directory> make_action(Device& device) { return std::make_unique<Action>(device); }

}  // namespace srpd::lio
