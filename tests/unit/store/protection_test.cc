// Making and checking protection information, without a store.
#include "store/protection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/protection_information.h"

namespace srpd::store {
namespace {

constexpr std::uint32_t block = 512;

std::vector<std::byte> filled(std::size_t size, std::uint8_t seed) {
  std::vector<std::byte> data(size);
  std::uint32_t state = seed;
  for (std::byte& each : data)
    each = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
  return data;
}

// The definition, SBC-3 4.22.4: one bit after the other.
std::uint16_t slow_crc(std::span<const std::byte> data) {
  unsigned crc = 0;
  for (const std::byte each : data) {
    crc ^= std::to_integer<unsigned>(each) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x8bb7 : crc << 1;
    crc &= 0xffff;
  }
  return static_cast<std::uint16_t>(crc);
}

TEST(Crc16, HasTheValuesOfTheStandard) {
  // SBC-3 table 24: 32 bytes each.
  std::vector<std::byte> data(32, std::byte{0});
  EXPECT_EQ(crc16_t10dif(0, data), 0x0000);
  data.assign(32, std::byte{0xff});
  EXPECT_EQ(crc16_t10dif(0, data), 0xa293);
  for (unsigned i = 0; i < 32; ++i) data[i] = static_cast<std::byte>(i);
  EXPECT_EQ(crc16_t10dif(0, data), 0x0224);
  data.assign(32, std::byte{0});
  data[0] = data[1] = std::byte{0xff};
  EXPECT_EQ(crc16_t10dif(0, data), 0x21b8);
  for (unsigned i = 0; i < 32; ++i) data[i] = static_cast<std::byte>(0xff - i);
  EXPECT_EQ(crc16_t10dif(0, data), 0xa0b7);
  const std::string digits = "123456789";  // the check value of catalogues of CRCs
  EXPECT_EQ(crc16_t10dif(0, std::as_bytes(std::span(digits))), 0xd0db);
}

TEST(Crc16, IsTheDefinitionAtEveryLengthAndSeam) {
  const auto data = filled(1200, 7);
  const std::span<const std::byte> all(data);
  for (std::size_t size = 0; size <= data.size(); size += size < 80 ? 1 : 37) {
    const auto part = all.first(size);
    const std::uint16_t expected = slow_crc(part);
    EXPECT_EQ(crc16_t10dif(0, part), expected) << size;
    const std::size_t seam = size / 3;
    EXPECT_EQ(crc16_t10dif(crc16_t10dif(0, part.first(seam)), part.subspan(seam)), expected)
        << size;
  }
}

TEST(Guards, BlocksMayLieInPiecesOfAnyLengths) {
  auto data = filled(4 * block, 3);
  const std::size_t lengths[] = {1, 510, 2, 0, 511, 1024};
  std::vector<iovec> pieces;
  std::size_t at = 0;
  for (const std::size_t length : lengths) {
    pieces.push_back({data.data() + at, length});
    at += length;
  }
  ASSERT_EQ(at, data.size());
  Guards guards(pieces, block);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(guards.next(), slow_crc(std::span(data).subspan(i * block, block))) << i;
}

class TuplesTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  std::optional<Mismatch> check(std::uint64_t lba) {
    Guards guards(pieces(), block);
    return check_tuples(rules, lba, guards, tuples, GetParam());
  }
  void make(std::uint64_t lba) {
    Guards guards(pieces(), block);
    make_tuples(rules, lba, guards, tuples, GetParam());
  }
  std::span<const iovec> pieces() {
    piece = {data.data(), data.size()};
    return {&piece, 1};
  }
  wire::ProtectionInformation get(std::size_t index) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, tuples.data() + index * tuple_bytes, sizeof bits);
    return std::bit_cast<wire::ProtectionInformation>(bits ^ GetParam());
  }
  void put(std::size_t index, const wire::ProtectionInformation& tuple) {
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(tuple) ^ GetParam();
    std::memcpy(tuples.data() + index * tuple_bytes, &bits, sizeof bits);
  }

  Protection rules{.type = ProtectionType::type_1, .block_size = block};
  std::vector<std::byte> data = filled(8 * block, 1);
  std::vector<std::byte> tuples = std::vector<std::byte>(8 * tuple_bytes);
  iovec piece{};
};
INSTANTIATE_TEST_SUITE_P(Masks, TuplesTest, testing::Values(0, ~std::uint64_t{0}));

constexpr std::uint64_t far_lba = 0x1'2345'6789;

TEST_P(TuplesTest, AreThoseOfTheStandard) {
  make(far_lba);
  for (std::uint32_t i = 0; i < 8; ++i) {
    EXPECT_EQ(get(i).guard, slow_crc(std::span(data).subspan(i * block, block)));
    EXPECT_EQ(get(i).application_tag, 0);
    EXPECT_EQ(get(i).reference_tag, 0x2345'6789u + i);
  }
  EXPECT_FALSE(check(far_lba));
  rules.type = ProtectionType::type_3;
  make(far_lba);
  EXPECT_EQ(get(5).reference_tag, 0u);
  EXPECT_FALSE(check(far_lba));
  EXPECT_FALSE(check(far_lba + 100)) << "type 3 does not know where a block belongs";
}

TEST_P(TuplesTest, EachWrongPartHasItsAnswer) {
  make(far_lba);
  data[3 * block + 17] ^= std::byte{1};
  ASSERT_TRUE(check(far_lba));
  EXPECT_EQ(check(far_lba)->lba, far_lba + 3);
  EXPECT_EQ(check(far_lba)->result, guard_check_failed);
  data[3 * block + 17] ^= std::byte{1};
  EXPECT_FALSE(check(far_lba));

  auto tuple = get(7);
  tuple.application_tag = 5;
  put(7, tuple);
  ASSERT_TRUE(check(far_lba));
  EXPECT_EQ(check(far_lba)->lba, far_lba + 7);
  EXPECT_EQ(check(far_lba)->result, application_tag_check_failed);
  rules.check_application_tag = false;
  EXPECT_FALSE(check(far_lba));

  const auto moved = check(far_lba + 1);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->lba, far_lba + 1);
  EXPECT_EQ(moved->result, reference_tag_check_failed);
}

TEST_P(TuplesTest, WhatSaysUncheckedIsNotChecked) {
  make(far_lba);
  data[0] ^= std::byte{1};
  put(0, {.guard = 1, .application_tag = 0xffff, .reference_tag = 2});
  EXPECT_FALSE(check(far_lba));
  rules.type = ProtectionType::type_3;
  ASSERT_TRUE(check(far_lba)) << "of type 3 the reference tag has to say it as well";
  EXPECT_EQ(check(far_lba)->result, guard_check_failed);
  put(0, {.guard = 1, .application_tag = 0xffff, .reference_tag = 0xffffffff});
  EXPECT_FALSE(check(far_lba));
}

}  // namespace
}  // namespace srpd::store
