// core/HBA/DEVICE/lba_map: which ALUA state ranges of a unit have (SPC-4 5.15.2.6, referrals). Kept
// as written; no unit serves referrals.
#pragma once

#include <string>
#include <string_view>

#include "tree/failure.h"

namespace srpd::lio {

/// First line "SEGMENT_SIZE MULTIPLIER", then "FIRST LAST [GROUP:STATE]..." lines, taken as loosely
/// as LIO does. The text to show: nothing without such lines.
tree::Result<std::string> parse_lba_map(std::string_view text);

}  // namespace srpd::lio
