// The memory one side has registered for its peer, checked as a device does: key, bounds and access
// of every operation. Remembers what was withdrawn, to tell a stale key from a wrong one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "transport/transport.h"

namespace srpd::transport {

class ExposedMemory {
 public:
  enum class Verdict : std::uint8_t { fine, unknown_key, withdrawn, out_of_bounds, wrong_access };

  RemoteSegment expose(std::span<std::byte> memory, Access access);
  /// The key must be valid.
  void withdraw(std::uint32_t key);

  /// [address, address + length) of `segment`'s key, when `wanted` is allowed there; `*place` is
  /// its start.
  Verdict check(const RemoteSegment& segment, Access wanted, std::byte** place) const;

  std::size_t exposed_count() const { return exposed_; }

 private:
  struct Region {
    std::byte* data = nullptr;
    std::uint64_t length = 0;
    std::uint32_t generation = 0;  ///< changes at each expose and withdraw; odd: exposed
    Access access = Access::both;
  };
  static constexpr unsigned index_bits = 14;

  static std::uint64_t address_of(std::uint32_t index);

  std::vector<Region> regions_;
  std::vector<std::uint32_t> free_;  ///< ring: the longest unused is taken first
  std::size_t free_head_ = 0;
  std::size_t free_count_ = 0;
  std::size_t exposed_ = 0;
};

const char* text_of(ExposedMemory::Verdict verdict);

}  // namespace srpd::transport
