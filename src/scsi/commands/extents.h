// Where block commands carry their LBA and length: SBC-4 5.
#pragma once

#include <cstddef>
#include <span>

#include "scsi/command.h"
#include "wire/scsi_cdb.h"

namespace srpd::scsi {

inline Extent extent_6(std::span<const std::byte> cdb) {
  const auto& fields = *wire::view<wire::Cdb6>(cdb);
  return {fields.lba & wire::cdb6_lba_mask, fields.length == 0 ? 256u : fields.length};
}
inline Extent extent_10(std::span<const std::byte> cdb) {
  const auto& fields = *wire::view<wire::Cdb10>(cdb);
  return {fields.lba, fields.length};
}
inline Extent extent_12(std::span<const std::byte> cdb) {
  const auto& fields = *wire::view<wire::Cdb12>(cdb);
  return {fields.lba, fields.length};
}
inline Extent extent_16(std::span<const std::byte> cdb) {
  const auto& fields = *wire::view<wire::Cdb16>(cdb);
  return {fields.lba, fields.length};
}

}  // namespace srpd::scsi
