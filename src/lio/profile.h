// Which kernel's tree is shown: newer ones have more attributes.
#pragma once

#include <cstdint>
#include <string_view>

namespace srpd::lio {

enum class Profile : std::uint8_t { linux_6_1, linux_6_12 };

/// The one that a kernel comes closest to, by its release: "6.12.117+deb12-amd64".
Profile profile_of_release(std::string_view release);
/// By that of this machine.
Profile profile_of_machine();

}  // namespace srpd::lio
