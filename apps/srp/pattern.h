// Block contents that follow from a seed and the block's address, so that a misplaced, stale or
// torn block is found.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/random.h"

namespace srpd::cli {

/// `data` is whole blocks from `lba` on; `block_size` a multiple of 8.
inline void fill_pattern(std::uint64_t seed, std::uint64_t lba, std::uint32_t block_size,
                         std::span<std::byte> data) {
  for (std::size_t at = 0; at < data.size(); at += block_size, ++lba) {
    Random random(seed ^ (lba * 0x9e3779b97f4a7c15u));
    for (std::uint32_t i = 0; i < block_size; i += 8) {
      const std::uint64_t word = random.next();
      std::memcpy(data.data() + at + i, &word, sizeof word);
    }
  }
}

/// The offset of the first byte that differs, or the size.
inline std::size_t first_difference(std::span<const std::byte> one,
                                    std::span<const std::byte> other) {
  if (std::memcmp(one.data(), other.data(), one.size()) == 0) return one.size();
  std::size_t at = 0;
  while (one[at] == other[at]) ++at;
  return at;
}

}  // namespace srpd::cli
