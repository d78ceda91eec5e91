// core/HBA/DEVICE/action: what can be done to a user device whose handler is stuck; empty for
// others.
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
    const auto wanted = parse_within(text, 0, 1);
    if (!wanted) return tl::unexpected(wanted.error());
    if (!device().enabled()) return not_enabled();
    blocked_ = *wanted != 0;
    return {};
  }

  Result<void> store_reset(Change&, std::string_view text) {
    const auto level = parse_within(text, 1, 2);
    if (!level) return tl::unexpected(level.error());
    if (!device().enabled()) return not_enabled();
    return {};
  }

  Result<void> store_free(Change&, std::string_view text) {
    const auto wanted = parse_within(text, 1, UINT16_MAX);
    if (!wanted) return tl::unexpected(wanted.error());
    return fail(ENOENT, "no buffer of a removed command is kept");
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
