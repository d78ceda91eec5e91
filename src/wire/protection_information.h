// Protection information of a logical block (SBC-3 4.22.3), eight bytes for each.
#pragma once

#include "wire/endian.h"

namespace srpd::wire {

struct ProtectionInformation {
  be16 guard;            ///< CRC of the block's data, polynomial 8BB7h
  be16 application_tag;  ///< FFFFh: the block is not checked (type 1)
  be32 reference_tag;    ///< type 1: the low bits of the LBA
};
static_assert(sizeof(ProtectionInformation) == 8);

inline constexpr std::uint16_t unchecked_application_tag = 0xffff;
/// Of type 3, together with the application tag.
inline constexpr std::uint32_t unchecked_reference_tag = 0xffffffff;

}  // namespace srpd::wire
