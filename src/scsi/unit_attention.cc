#include "scsi/unit_attention.h"

#include <array>

#include "scsi/sense.h"

namespace srpd::scsi {
namespace {

// In order of the enumeration; SPC-5 annex F.
constexpr std::array<std::uint16_t, 14> codes{0x2900, 0x2903, 0x2907, 0x3f0e, 0x2a09,
                                              0x2a01, 0x2a03, 0x2a04, 0x2a05, 0x2a06,
                                              0x2f00, 0x3f03, 0x3f01, 0x3807};
static_assert(static_cast<std::size_t>(UnitAttention::thin_provisioning_threshold) + 1 ==
              codes.size());

}  // namespace

Result result_from(UnitAttention condition) {
  return sense::check_condition(SenseKey::unit_attention,
                                codes[static_cast<std::size_t>(condition)]);
}

}  // namespace srpd::scsi
