// INQUIRY, vital product data: SPC-5 7.7, SBC-4 6.6. The expected bytes of pages 80 and 83 are what
// LIO sends for the same serial number and port.
#include "disks.h"
#include "support/hex.h"

namespace srpd::test {
namespace {

class InquiryVpd : public OnEveryDisk {
 protected:
  std::string page(unsigned code, unsigned length = 0xfff) {
    const ScsiReply reply = disk().execute(
        {.cdb = bytes({0x12, 1, code, length >> 8, length & 0xff, 0}), .data_in_length = length});
    expect_good(reply);
    return to_hex(reply.data_in);
  }
};
SRPD_ON_EVERY_DISK(InquiryVpd);

TEST_P(InquiryVpd, SupportedPages) { EXPECT_EQ(page(0), "0000000700808386b0b1b2"); }

TEST_P(InquiryVpd, EveryListedPageIsThere) {
  const auto list = hex(page(0)).size();
  for (std::size_t i = 4; i < list; ++i) {
    const auto code = std::to_integer<unsigned>(hex(page(0)).at(i));
    const Bytes data = hex(page(code));
    EXPECT_EQ(std::to_integer<unsigned>(data.at(1)), code);
    EXPECT_EQ(get_be(data, 2, 2), data.size() - 4);
  }
}

TEST_P(InquiryVpd, UnitSerialNumber) {
  EXPECT_EQ(page(0x80),
            "0080002539323963633036312d653038322d346439382d383130632d63393062343231626430363600");
}

TEST_P(InquiryVpd, DeviceIdentification) {
  const std::string designators = properties().plugin == "fileio"
                                      ? "008300bc010300106001405929cc061e0824d98810cc90b4"
                                        "020100344c494f2d4f52472046494c45494f3a"
                                      : "008300c1010300106001405929cc061e0824d98810cc90b4"
                                        "020100394c494f2d4f52472052414d4449534b2d4d43503a";
  EXPECT_EQ(page(0x83),
            designators +
                "39323963633036312d653038322d346439382d383130632d6339306234323162"
                "64303636004194000400000001419500040000000001060004000000004398002c30786465656137"
                "6265323936373230303030303030303030303030303030303030302c742c3078303030310043a800"
                "24307864656561376265323936373230303030303030303030303030303030303030300000");
}

TEST_P(InquiryVpd, ExtendedInquiry) {
  const Bytes data = hex(page(0x86));
  ASSERT_EQ(data.size(), 64u);
  EXPECT_EQ(data[5], std::byte{0x07});  // SIMPLE, ORDERED, HEAD OF QUEUE
  EXPECT_EQ(data[6], properties().write_cache ? std::byte{0x01} : std::byte{0x00});  // V_SUP
}

TEST_P(InquiryVpd, BlockLimits) {
  const Bytes data = hex(page(0xb0));
  ASSERT_EQ(data.size(), 64u);
  EXPECT_EQ(data[4], std::byte{1});  // WSNZ
  const store::Properties& store = properties();
  const auto blocks = [&](std::uint64_t bytes, std::uint32_t unlimited) {
    return bytes == 0 ? unlimited : bytes / block_size();
  };
  EXPECT_EQ(get_be(data, 6, 2), store.physical_block_size / block_size());
  EXPECT_EQ(get_be(data, 8, 4), blocks(store.max_transfer_bytes, 0xfffffff8u));
  EXPECT_EQ(get_be(data, 20, 4), blocks(store.max_unmap_bytes, 0xffffffffu));
  EXPECT_EQ(get_be(data, 24, 4), 255u);  // in so many UNMAP descriptors
  EXPECT_EQ(get_be(data, 28, 4), store.unmap_granularity / block_size());
  EXPECT_EQ(get_be(data, 32, 4), 0u);      // alignment not given
  EXPECT_EQ(get_be(data, 36, 8), 65535u);  // WRITE SAME
}

TEST_P(InquiryVpd, BlockCharacteristics) {
  const Bytes data = hex(page(0xb1));
  ASSERT_EQ(data.size(), 64u);
  EXPECT_EQ(get_be(data, 4, 2), properties().rotational ? 0u : 1u);
}

TEST_P(InquiryVpd, LogicalBlockProvisioning) { EXPECT_EQ(page(0xb2), "00b2000400e40200"); }

TEST_P(InquiryVpd, IsCutToTheAllocationLength) { EXPECT_EQ(page(0x80, 4), "00800025"); }

TEST_P(InquiryVpd, UnknownPageIsRefused) {
  expect_bad_field(disk().execute({.cdb = bytes({0x12, 1, 0xb3, 0, 96, 0}), .data_in_length = 96}),
                   2);
}

TEST_P(InquiryVpd, WhereNoUnitIsThereIsNoPage) {
  expect_check(disk().execute({.cdb = bytes({0x12, 1, 0x83, 0, 96, 0}),
                               .data_in_length = 96,
                               .lun = 0x0005000000000000u}),
               key::illegal_request, 0x2500);
}

// A store without UNMAP: as LIO's, where LIO has the page.
TEST(InquiryVpdPlain, WithoutUnmap) {
  InProcessDevice disk{InProcessOptions{}};
  const ScsiReply provisioning =
      disk.execute({.cdb = bytes({0x12, 1, 0xb2, 0, 8, 0}), .data_in_length = 8});
  EXPECT_EQ(to_hex(provisioning.data_in), "00b2000400000000");
  const ScsiReply limits =
      disk.execute({.cdb = bytes({0x12, 1, 0xb0, 0, 64, 0}), .data_in_length = 64});
  EXPECT_EQ(get_be(limits.data_in, 20, 4), 0u);
  EXPECT_EQ(get_be(limits.data_in, 24, 4), 0u);
}

TEST(InquiryVpdPlain, VolatileCacheAndRotationShow) {
  InProcessOptions options;
  options.store.properties.write_cache = true;
  options.store.properties.rotational = true;
  InProcessDevice disk{options};
  const ScsiReply extended =
      disk.execute({.cdb = bytes({0x12, 1, 0x86, 0, 64, 0}), .data_in_length = 64});
  EXPECT_EQ(extended.data_in.at(6), std::byte{0x01});
  const ScsiReply rotation =
      disk.execute({.cdb = bytes({0x12, 1, 0xb1, 0, 64, 0}), .data_in_length = 64});
  EXPECT_EQ(get_be(rotation.data_in, 4, 2), 0u);
}

}  // namespace
}  // namespace srpd::test
