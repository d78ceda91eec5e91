// MODE SENSE(6) and (10): SPC-5 6.14, 6.15, 7.5; SBC-4 6.5.
#include "disks.h"
#include "support/hex.h"

namespace srpd::test {
namespace {

class ModeSensePages : public OnEveryDisk {
 protected:
  ScsiReply sense_6(unsigned flags, unsigned page, unsigned subpage = 0, unsigned length = 255) {
    return disk().execute(
        {.cdb = bytes({0x1a, flags, page, subpage, length, 0}), .data_in_length = length});
  }
  // WCE follows from the store; no read ahead.
  std::string caching_page() {
    return properties().write_cache ? "0812040000000000000000002000000000000000"
                                    : "0812000000000000000000002000000000000000";
  }
  ScsiReply sense_10(unsigned flags, unsigned page, unsigned subpage = 0) {
    return disk().execute(
        {.cdb = bytes({0x5a, flags, page, subpage, 0, 0, 0, 0x10, 0, 0}), .data_in_length = 4096});
  }
};
SRPD_ON_EVERY_DISK(ModeSensePages);

constexpr unsigned dbd = 0x08, llbaa = 0x10;
constexpr unsigned changeable = 0x40, defaults = 0x80, saved = 0xc0;

TEST_P(ModeSensePages, Caching) {
  const ScsiReply reply = sense_6(dbd, 0x08);
  expect_good(reply);
  EXPECT_EQ(to_hex(reply.data_in), "17001000" + caching_page());
}

TEST_P(ModeSensePages, AllPages) {
  const ScsiReply reply = sense_6(dbd, 0x3f);
  expect_good(reply);
  EXPECT_EQ(to_hex(reply.data_in),
            "3b001000"
            "010a00000000000000000000" +
                caching_page() +
                "0a0a2210004000"
                "00ffff0000"
                "1c0a08000000000000000000");
}

TEST_P(ModeSensePages, AllPagesAndSubpages) {
  EXPECT_EQ(sense_6(dbd, 0x3f, 0xff).data_in, sense_6(dbd, 0x3f).data_in);
  EXPECT_EQ(sense_6(dbd, 0x08, 0xff).data_in, sense_6(dbd, 0x08).data_in);
}

TEST_P(ModeSensePages, DefaultsAreTheCurrentValues) {
  EXPECT_EQ(sense_6(dbd, 0x3f | defaults).data_in, sense_6(dbd, 0x3f).data_in);
}

TEST_P(ModeSensePages, NothingIsChangeable) {
  const ScsiReply reply = sense_6(dbd, 0x3f | changeable);
  expect_good(reply);
  EXPECT_EQ(to_hex(reply.data_in).substr(8),
            "010a00000000000000000000"
            "0812000000000000000000000000000000000000"
            "0a0a00000000000000000000"
            "1c0a00000000000000000000");
}

TEST_P(ModeSensePages, NothingIsSaved) {
  expect_check(sense_6(dbd, 0x3f | saved), key::illegal_request, 0x3900);
  expect_check(sense_10(dbd, 0x08 | saved), key::illegal_request, 0x3900);
}

TEST_P(ModeSensePages, ShortBlockDescriptor) {
  const ScsiReply reply = sense_6(0, 0x08);
  expect_good(reply);
  EXPECT_EQ(get_be(reply.data_in, 0, 1), reply.data_in.size() - 1);
  EXPECT_EQ(get_be(reply.data_in, 3, 1), 8u);
  EXPECT_EQ(get_be(reply.data_in, 4, 4), disk().block_count());
  EXPECT_EQ(get_be(reply.data_in, 9, 3), block_size());
}

TEST_P(ModeSensePages, LongBlockDescriptor) {
  const ScsiReply reply = sense_10(llbaa, 0x08);
  expect_good(reply);
  EXPECT_EQ(get_be(reply.data_in, 0, 2), reply.data_in.size() - 2);
  EXPECT_EQ(get_be(reply.data_in, 4, 1), 1u);  // LONGLBA
  EXPECT_EQ(get_be(reply.data_in, 6, 2), 16u);
  EXPECT_EQ(get_be(reply.data_in, 8, 8), disk().block_count());
  EXPECT_EQ(get_be(reply.data_in, 20, 4), block_size());
}

TEST_P(ModeSensePages, TenByteFormWithoutDescriptors) {
  const ScsiReply reply = sense_10(dbd, 0x08);
  expect_good(reply);
  EXPECT_EQ(to_hex(reply.data_in), "001a001000000000" + caching_page());
}

TEST_P(ModeSensePages, IsCutToTheAllocationLength) {
  const ScsiReply reply = sense_6(0, 0x3f, 0, 4);
  expect_good(reply);
  EXPECT_EQ(to_hex(reply.data_in), "43001008");
}

TEST_P(ModeSensePages, UnknownPagesAndSubpagesAreRefused) {
  expect_bad_field(sense_6(dbd, 0x19), 2, 5);
  expect_bad_field(sense_6(dbd, 0x08, 0x01), 3);
  expect_bad_field(sense_10(dbd, 0x3f, 0x01), 3);
  expect_bad_field(sense_6(llbaa, 0x08), 1, 7);  // LLBAA is of the ten byte form
}

TEST(ModeSenseState, WriteProtectionCacheAndFuaShow) {
  InProcessOptions options;
  options.write_protected = true;
  options.store.properties.write_cache = true;
  options.attributes = scsi::default_attributes(options.store.properties);
  options.attributes->emulate_fua_write = false;
  InProcessDevice disk{options};
  const ScsiReply caching =
      disk.execute({.cdb = bytes({0x1a, dbd, 0x08, 0, 255, 0}), .data_in_length = 255});
  EXPECT_EQ(to_hex(caching.data_in),
            "17008000"
            "0812040000000000000000002000000000000000");
  disk.lu().descriptor_sense.store(true);
  const ScsiReply control =
      disk.execute({.cdb = bytes({0x1a, dbd, 0x0a, 0, 255, 0}), .data_in_length = 255});
  EXPECT_EQ(to_hex(control.data_in).substr(8),
            "0a0a2610084000"
            "00ffff0000");
}

}  // namespace
}  // namespace srpd::test
