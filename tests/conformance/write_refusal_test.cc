// WRITE: what is refused, and how. SBC-4 5.39 to 5.42.
#include "disks.h"

namespace srpd::test {
namespace {

class WriteRefusal : public OnEveryDisk {};
SRPD_ON_EVERY_DISK(WriteRefusal);

TEST_P(WriteRefusal, BeyondTheEnd) {
  const std::uint64_t end = disk().block_count();
  for (const unsigned opcode : {0x0au, 0x2au, 0xaau, 0x8au}) {
    const ScsiReply reply = disk().execute(
        {.cdb = block_cdb(opcode, end - 1, 2), .data_out = pattern(2 * block_size(), 1)});
    expect_check(reply, key::illegal_request, 0x2100);
    EXPECT_EQ(reply.moved_out, 0u);
  }
}

TEST_P(WriteRefusal, ProtectionInformation) {
  for (const unsigned opcode : {0x2au, 0xaau, 0x8au})
    expect_bad_field(disk().execute({.cdb = block_cdb(opcode, 0, 1, 0x80),
                                     .data_out = pattern(block_size(), 1)}),
                     1, 7);
}

TEST(WriteRefusalProtected, EveryKindOfWriteProtection) {
  InProcessOptions by_mapping, by_attribute, by_store;
  by_mapping.write_protected = true;
  by_attribute.attributes = scsi::default_attributes(by_attribute.store.properties);
  by_attribute.attributes->write_protect = true;
  by_store.store.properties.read_only = true;
  for (const InProcessOptions& options : {by_mapping, by_attribute, by_store}) {
    InProcessDevice disk{options};
    for (const unsigned opcode : {0x0au, 0x2au, 0xaau, 0x8au})
      expect_check(disk.execute({.cdb = block_cdb(opcode, 0, 1), .data_out = pattern(512, 1)}),
                   key::data_protect, 0x2700);
    EXPECT_EQ(disk.store().count(store::Operation::Kind::write), 0u);
  }
}

TEST(WriteRefusalProtected, FuaWhereItIsSwitchedOff) {
  InProcessOptions options;
  options.attributes = scsi::default_attributes(options.store.properties);
  options.attributes->emulate_fua_write = false;
  InProcessDevice disk{options};
  expect_bad_field(disk.execute({.cdb = block_cdb(0x2a, 0, 1, 0x08), .data_out = pattern(512, 1)}),
                   1, 3);
}

}  // namespace
}  // namespace srpd::test
