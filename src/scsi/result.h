// How a command ended: status and sense as values. Encoded (fixed or descriptor format) in one
// place, sense.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace srpd::scsi {

/// SAM-5 5.3.1.
enum class Status : std::uint8_t {
  good = 0x00,
  check_condition = 0x02,
  condition_met = 0x04,
  busy = 0x08,
  reservation_conflict = 0x18,
  task_set_full = 0x28,
  aca_active = 0x30,
  task_aborted = 0x40,
};

/// SPC-5 table 48.
enum class SenseKey : std::uint8_t {
  no_sense = 0x0,
  recovered_error = 0x1,
  not_ready = 0x2,
  medium_error = 0x3,
  hardware_error = 0x4,
  illegal_request = 0x5,
  unit_attention = 0x6,
  data_protect = 0x7,
  aborted_command = 0xb,
  miscompare = 0xe,
};

/// Where in the CDB or the parameter list the offending field is (SPC-5 4.4.2.4.2).
struct FieldPointer {
  bool in_cdb = true;
  std::uint16_t byte = 0;
  std::uint8_t bit = 0xff;  ///< 0..7; 0xff: no bit pointer
};

struct Sense {
  SenseKey key = SenseKey::no_sense;
  std::uint8_t asc = 0;
  std::uint8_t ascq = 0;
  std::optional<std::uint64_t> information;  ///< LBA, or offset for MISCOMPARE
  std::optional<FieldPointer> field;
};

struct Result {
  Status status = Status::good;
  Sense sense;

  bool good() const { return status == Status::good; }
};

/// Longest encoding produced; also what SRP_RSP must have room for.
inline constexpr std::size_t max_sense_length = 96;

/// Encodes into `out` (at least max_sense_length bytes), returns the length. SPC-5 4.4.
std::size_t encode_sense(const Sense& sense, bool descriptor_format, std::span<std::byte> out);

}  // namespace srpd::scsi
