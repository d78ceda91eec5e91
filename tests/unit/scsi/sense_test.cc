#include "scsi/sense.h"

#include <gtest/gtest.h>

#include <array>

#include "support/hex.h"

namespace srpd::scsi {
namespace {

std::string encode(const Result& result, bool descriptor_format) {
  std::array<std::byte, max_sense_length> out;
  return test::to_hex({out.data(), encode_sense(result.sense, descriptor_format, out)});
}

TEST(Sense, FixedFormat) {
  EXPECT_EQ(encode(sense::logical_unit_not_supported(), false),
            "70000500000000"
            "0a"
            "00000000"
            "2500"
            "00"
            "000000");
  EXPECT_EQ(encode(sense::lba_out_of_range(0x12345678), false),
            "f0000512345678"
            "0a"
            "00000000"
            "2100"
            "00"
            "000000");
}

// SPC-5 4.4.3: the field is not valid when the information does not fit.
TEST(Sense, FixedFormatLeavesOutLargeInformation) {
  EXPECT_EQ(encode(sense::lba_out_of_range(0x100000000), false),
            "70000500000000"
            "0a"
            "00000000"
            "2100"
            "00"
            "000000");
}

TEST(Sense, DescriptorFormat) {
  EXPECT_EQ(encode(sense::write_protected(), true), "7207270000000000");
  EXPECT_EQ(encode(sense::lba_out_of_range(0x100000000), true),
            "720521000000000c"
            "000a80000000000100000000");
}

TEST(Sense, FieldPointers) {
  EXPECT_EQ(encode(sense::invalid_field_in_cdb(2, 5), false),
            "70000500000000"
            "0a"
            "00000000"
            "2400"
            "00"
            "cd0002");
  EXPECT_EQ(encode(sense::invalid_field_in_cdb(10), true),
            "7205240000000008"
            "02060000c0000a00");
  EXPECT_EQ(encode(sense::invalid_field_in_parameter_list(0x104), true),
            "7205260000000008"
            "0206000080010400");
}

}  // namespace
}  // namespace srpd::scsi
