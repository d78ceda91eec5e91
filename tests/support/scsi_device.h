// A disk to hold against the standards: the conformance tests know only this. The in-process target
// core implements it, and our initiator with our target on TCP; /dev/sgN can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/backstore.h"

namespace srpd::test {

using Bytes = std::vector<std::byte>;

/// Sense data of either format, decoded (SPC-5 4.4).
struct DecodedSense {
  std::uint8_t response_code = 0;
  std::uint8_t key = 0;
  std::uint16_t code = 0;  ///< ASC and ASCQ: 0x2400 is 24/00
  std::optional<std::uint64_t> information;
  std::optional<std::uint16_t> field;  ///< field pointer
  std::optional<std::uint8_t> bit;     ///< bit pointer
  bool field_in_cdb = false;
};
/// Nothing when `bytes` hold no sense data.
std::optional<DecodedSense> decode_sense(const Bytes& bytes);

enum class Attribute : std::uint8_t { simple = 0, head_of_queue = 1, ordered = 2, aca = 4 };

struct ScsiRequest {
  Bytes cdb{};
  Bytes data_out{};
  std::size_t data_in_length = 0;
  Attribute attribute = Attribute::simple;
  std::optional<std::uint64_t> lun{};  ///< other than the device's own
};

struct ScsiReply {
  std::uint8_t status = 0xff;
  Bytes sense;
  Bytes data_in;  ///< what was moved
  std::size_t moved_out = 0;
  /// As hosts are told: < 0 what was not moved of the buffer, else > 0 what the CDB asked to move
  /// beyond it; both directions.
  std::int64_t residual_in = 0;
  std::int64_t residual_out = 0;

  bool good() const { return status == 0; }
  /// Zeroes when there is no sense.
  DecodedSense decoded() const { return decode_sense(sense).value_or(DecodedSense{}); }
};

class ScsiDevice {
 public:
  virtual ~ScsiDevice() = default;
  virtual std::uint32_t block_size() const = 0;
  virtual std::uint64_t block_count() const = 0;
  /// Of the store behind it: what the standards let the disk say about itself follows from them.
  virtual const store::Properties& properties() const = 0;
  virtual ScsiReply execute(const ScsiRequest& request) = 0;
  /// The same unit from one more initiator port, with the unit attention that a new one has. Goes
  /// before the device.
  virtual std::unique_ptr<ScsiDevice> another_host() = 0;
};

/// Bytes of a CDB or a list.
Bytes bytes(std::initializer_list<unsigned> values);
/// `size` bytes that differ from neighbours and between seeds.
Bytes pattern(std::size_t size, unsigned seed);
/// Writes `value` big-endian into `size` bytes at `at`.
void put_be(Bytes& out, std::size_t at, std::size_t size, std::uint64_t value);
std::uint64_t get_be(const Bytes& in, std::size_t at, std::size_t size);

}  // namespace srpd::test
