// Protection information of blocks: making it and checking data against it (SBC-3 4.22). Plain
// functions over memory; protected_store.h keeps it beside the data.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "store/cursor.h"

namespace srpd::store {

/// SBC-3 table 11; the values are LIO's pi_prot_type. Type 2 needs 32-byte CDBs.
enum class ProtectionType : std::uint8_t { none = 0, type_1 = 1, type_3 = 3 };

/// How an operation ends whose data do not match their protection information.
inline constexpr int guard_check_failed = -EILSEQ;
inline constexpr int application_tag_check_failed = -EBADR;
inline constexpr int reference_tag_check_failed = -EBADSLT;

inline constexpr std::uint64_t tuple_bytes = 8;

/// What is kept of a unit's blocks, and what is looked at.
struct Protection {
  ProtectionType type = ProtectionType::none;
  std::uint32_t block_size = 512;  ///< of the unit, which may be more than the store's
  /// Nobody but this target sets application tags, to 0: another one is wrong. False: it is not
  /// looked at.
  bool check_application_tag = true;
};

/// CRC-16 with polynomial 8BB7h, no inversion: `crc` of what came before, 0 at the start.
std::uint16_t crc16_t10dif(std::uint16_t crc, std::span<const std::byte> data);

/// The guards of blocks that lie one after the other in pieces of any lengths.
class Guards {
 public:
  Guards(std::span<const iovec> data, std::uint32_t block_size)
      : cursor_(data), block_size_(block_size) {}
  /// Of blocks of zeroes, any number.
  static Guards of_zeroes() { return {{}, 0}; }
  /// Of the next block; one has to be left.
  std::uint16_t next();

 private:
  Cursor cursor_;
  std::uint32_t block_size_;
};

/// The protection information of the next blocks in `data`, the first of which is `lba`, as many
/// as there is room for in `tuples`. What is written is XORed with `mask`.
void make_tuples(const Protection& protection, std::uint64_t lba, Guards& data,
                 std::span<std::byte> tuples, std::uint64_t mask);

struct Mismatch {
  std::uint64_t lba = 0;
  int result = 0;  ///< one of those above
};

/// The first of the next blocks in `data` that does not match; `mask` as above.
std::optional<Mismatch> check_tuples(const Protection& protection, std::uint64_t lba, Guards& data,
                                     std::span<const std::byte> tuples, std::uint64_t mask);

}  // namespace srpd::store
