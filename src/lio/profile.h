// Which kernel's tree is shown: newer ones have more attributes.
#pragma once

#include <cstdint>

namespace srpd::lio {

enum class Profile : std::uint8_t { linux_6_1, linux_6_12 };

}  // namespace srpd::lio
