// Memory exposed to the peer. A steering tag is a 24-bit index and an 8-bit key that changes with
// every use of the index, so that a stale tag is refused. Tagged offsets are zero based: the peer
// learns nothing about our addresses. Released indices are reused in the order of their release, as
// late as possible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "transport/transport.h"

namespace srpd::transport::iwarp {

class StagTable {
 public:
  /// The address and key for the peer.
  RemoteSegment expose(std::span<std::byte> memory, Access access);
  /// True when `stag` was exposed.
  bool withdraw(std::uint32_t stag);
  /// Send with Invalidate: the tag ends for the peer, its place is kept until withdraw(). False
  /// when it is not valid.
  bool invalidate(std::uint32_t stag);

  enum class Refusal : std::uint8_t { none, invalid_stag, bounds, access, wrap };
  struct Lookup {
    Refusal refusal = Refusal::none;
    std::span<std::byte> memory;  ///< exactly the bytes asked for
  };
  Lookup find(std::uint32_t stag, std::uint64_t offset, std::uint64_t length, Access access) const;

  std::size_t exposed() const { return exposed_; }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  enum class State : std::uint8_t { free, exposed, invalidated };
  struct Entry {
    std::span<std::byte> memory;
    std::uint32_t next_free = none;
    std::uint8_t key = 0;
    State state = State::free;
    Access access = Access::both;
  };

  const Entry* entry_of(std::uint32_t stag) const;
  std::uint32_t take_index();

  std::vector<Entry> entries_;
  std::uint32_t first_free_ = none;
  std::uint32_t last_free_ = none;
  std::size_t exposed_ = 0;
};

}  // namespace srpd::transport::iwarp
