#include "wire/endian.h"

#include <gtest/gtest.h>

#include <array>

namespace srpd::wire {
namespace {

struct Sample {
  be16 a;
  be24 b;
  be32 c;
  be48 d;
  be64 e;
};

TEST(Endian, StoresMostSignificantByteFirst) {
  std::array<std::byte, sizeof(Sample)> bytes{};
  auto* sample = view_mut<Sample>(bytes);
  ASSERT_NE(sample, nullptr);
  sample->a = 0x0102;
  sample->b = 0x030405;
  sample->c = 0x06070809;
  sample->d = 0x0a0b0c0d0e0f;
  sample->e = 0x1011121314151617;
  for (std::size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(std::to_integer<int>(bytes[i]), i + 1);
  EXPECT_EQ(sample->b, 0x030405u);
  EXPECT_EQ(sample->d, 0x0a0b0c0d0e0fu);
  EXPECT_EQ(sample->e, 0x1011121314151617u);
}

TEST(Endian, ConstantEvaluationAgrees) {
  constexpr be48 value = std::uint64_t{0x0000123456789abc};
  static_assert(value.value() == 0x123456789abc);
  const be48 at_run_time = value.value();
  EXPECT_EQ(at_run_time.value(), value.value());
}

TEST(Endian, ViewRefusesShortBuffers) {
  std::array<std::byte, sizeof(Sample) - 1> bytes{};
  EXPECT_EQ(view<Sample>(bytes), nullptr);
}

}  // namespace
}  // namespace srpd::wire
