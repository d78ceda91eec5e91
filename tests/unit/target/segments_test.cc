#include "target/segments.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/random.h"

namespace srpd::target {
namespace {

TEST(Segments, ConvertedInPlaceAtAnyAlignment) {
  for (std::size_t shift = 0; shift < 8; ++shift) {
    alignas(8) std::array<std::byte, 8 + 8 + 3 * 16> memory{};
    std::byte* const table = memory.data() + 8 + shift;
    for (std::uint32_t i = 0; i < 3; ++i) {
      const wire::srp::MemoryDescriptor descriptor{0x1122334455660000u + i, 0xa0u + i,
                                                   100u * (i + 1)};
      std::memcpy(table + i * 16, &descriptor, 16);
    }
    const auto segments = convert_in_place(table, 3);
    ASSERT_EQ(segments.size(), 3u);
    for (std::uint32_t i = 0; i < 3; ++i) {
      EXPECT_EQ(segments[i].address, 0x1122334455660000u + i);
      EXPECT_EQ(segments[i].key, 0xa0u + i);
      EXPECT_EQ(segments[i].length, 100u * (i + 1));
    }
    EXPECT_EQ(total_length(segments), 600u);
  }
}

TEST(Segments, Slice) {
  const std::vector<RemoteSegment> segments{{1000, 1, 10}, {2000, 2, 0}, {3000, 3, 20}};
  auto part = slice(segments, 0, 30);
  EXPECT_EQ(part.segments.size(), 3u);
  EXPECT_EQ(part.skip, 0u);
  part = slice(segments, 10, 5);
  ASSERT_EQ(part.segments.size(), 1u);
  EXPECT_EQ(part.segments[0].key, 3u);
  EXPECT_EQ(part.skip, 0u);
  part = slice(segments, 4, 8);
  EXPECT_EQ(part.segments.size(), 3u);
  EXPECT_EQ(part.skip, 4u);
  std::array<RemoteSegment, 3> out;
  const auto made = materialize(part, out.data());
  EXPECT_EQ(made[0].address, 1004u);
  EXPECT_EQ(made[0].length, 6u);
  EXPECT_EQ(made[2].address, 3000u);
}

TEST(Segments, AnySliceHoldsExactlyItsRange) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<RemoteSegment> segments;
    std::uint64_t at = 0;
    for (std::uint64_t i = 0, count = 1 + random.below(20); i < count; ++i) {
      const auto length = static_cast<std::uint32_t>(random.below(50));
      segments.push_back({at, 1, length});  // contiguous, so that a place is its offset
      at += length;
    }
    const std::uint64_t offset = random.below(at + 1);
    const std::uint64_t length = random.below(at - offset + 1);
    if (length == 0) continue;
    const auto part = slice(segments, offset, length);
    EXPECT_EQ(part.segments.front().address + part.skip, offset);
    EXPECT_LT(part.skip, part.segments.front().length);
    EXPECT_GE(total_length(part.segments) - part.skip, length);
    EXPECT_LT(total_length(part.segments.first(part.segments.size() - 1)), part.skip + length);
  }
}

}  // namespace
}  // namespace srpd::target
