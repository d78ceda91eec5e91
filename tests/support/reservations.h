// PERSISTENT RESERVE commands as hosts send them.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "support/scsi_device.h"

namespace srpd::test {

inline constexpr std::uint8_t reservation_conflict = 0x18;

struct ProutOptions {
  unsigned type = 0, scope = 0;
  std::uint64_t key = 0, new_key = 0;
  unsigned flags = 0;  ///< of byte 20
  Bytes more{};        ///< behind the fixed part
};

inline Bytes prout_cdb(unsigned action, unsigned type, std::size_t length, unsigned scope = 0) {
  Bytes cdb = bytes({0x5f, action, scope << 4 | type, 0, 0, 0, 0, 0, 0, 0});
  put_be(cdb, 5, 4, length);
  return cdb;
}

inline ScsiReply prout(ScsiDevice& disk, unsigned action, const ProutOptions& options) {
  Bytes list(24);
  put_be(list, 0, 8, options.key);
  put_be(list, 8, 8, options.new_key);
  put_be(list, 20, 1, options.flags);
  list.insert(list.end(), options.more.begin(), options.more.end());
  return disk.execute(
      {.cdb = prout_cdb(action, options.type, list.size(), options.scope), .data_out = list});
}

inline ScsiReply prout_move(ScsiDevice& disk, const ProutOptions& options, std::uint16_t port,
                            const Bytes& transport_id) {
  Bytes list(24);
  put_be(list, 0, 8, options.key);
  put_be(list, 8, 8, options.new_key);
  put_be(list, 17, 1, options.flags);
  put_be(list, 18, 2, port);
  put_be(list, 20, 4, transport_id.size());
  list.insert(list.end(), transport_id.begin(), transport_id.end());
  return disk.execute({.cdb = prout_cdb(7, options.type, list.size()), .data_out = list});
}

/// Of the initiator port whose identifier ends with this byte and is 0 otherwise.
inline Bytes srp_transport_id(std::uint8_t last_byte) {
  Bytes id(24);
  id[0] = std::byte{4};
  id[23] = std::byte{last_byte};
  return id;
}

inline ScsiReply prin(ScsiDevice& disk, unsigned action, std::size_t length = 1024) {
  Bytes cdb = bytes({0x5e, action, 0, 0, 0, 0, 0, 0, 0, 0});
  put_be(cdb, 7, 2, length);
  return disk.execute({.cdb = cdb, .data_in_length = length});
}

}  // namespace srpd::test
