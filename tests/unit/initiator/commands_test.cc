#include "initiator/commands.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <initializer_list>

namespace srpd::initiator {
namespace {

std::string sense_text(std::initializer_list<unsigned> bytes) {
  std::vector<std::byte> sense;
  for (const unsigned byte : bytes) sense.push_back(static_cast<std::byte>(byte));
  return describe_sense(sense);
}

TEST(Commands, Cdbs) {
  Request request;
  std::array<std::byte, 4096> data{};
  prepare_write(request, 0x0102030405060708u, 8, data, true);
  const std::array<unsigned, 16> expected = {0x8a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 8, 0, 0};
  for (std::size_t i = 0; i < 16; ++i)
    EXPECT_EQ(std::to_integer<unsigned>(request.cdb[i]), expected[i]);
  EXPECT_TRUE(request.repeatable);
  EXPECT_EQ(request.data_out.size(), data.size());
  prepare_read(request, 1, 1, data);
  EXPECT_TRUE(request.data_out.empty());
  EXPECT_EQ(request.data_in.size(), data.size());
}

TEST(Commands, SenseInWords) {
  EXPECT_EQ(sense_text({0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0xc8, 0, 2}),
            "ILLEGAL REQUEST, INVALID FIELD IN CDB (24/00), CDB byte 2");
  EXPECT_EQ(sense_text({0xf0, 0, 3, 0, 0, 1, 0, 10, 0, 0, 0, 0, 0x11, 0}),
            "MEDIUM ERROR, UNRECOVERED READ ERROR (11/00), information 256");
  EXPECT_EQ(sense_text({0x72, 3, 0x11, 0, 0, 0, 0, 12, 0, 10, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0}),
            "MEDIUM ERROR, UNRECOVERED READ ERROR (11/00), information 4294967296");
  EXPECT_EQ(sense_text({0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x99, 1}),
            "UNIT ATTENTION (99/01)");
  EXPECT_EQ(sense_text({0x70}), "NO SENSE (00/00)");
  EXPECT_EQ(sense_text({}), "sense data of unknown format");
}

TEST(Commands, FailuresInWords) {
  Request request;
  request.status = 0x18;
  EXPECT_EQ(describe_failure(request), "RESERVATION CONFLICT");
  request.error = -ETIMEDOUT;
  EXPECT_EQ(describe_failure(request), "no answer in time");
}

TEST(Commands, Capacity) {
  std::array<std::byte, 32> data{};
  data[7] = std::byte{0xff};
  data[10] = std::byte{2};
  data[13] = std::byte{3};
  data[14] = std::byte{0xc0};
  const auto capacity = parse_capacity(data);
  ASSERT_TRUE(capacity.has_value());
  EXPECT_EQ(capacity->bytes(), 256u * 512);
  EXPECT_EQ(capacity->physical_exponent, 3);
  EXPECT_TRUE(capacity->thin && capacity->reads_zeroes);
  data[10] = std::byte{0};
  EXPECT_FALSE(parse_capacity(data).has_value()) << "blocks of no bytes";
  EXPECT_FALSE(parse_capacity(std::span(data).first(8)).has_value());
}

}  // namespace
}  // namespace srpd::initiator
