// What holds for every row of the command table.
#include "scsi/command_table.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "disks.h"

namespace srpd::test {
namespace {

// "READ CAPACITY(16)" -> "read_capacity"
std::string file_stem(std::string_view name) {
  std::string stem;
  for (const char c : name.substr(0, name.find('(')))
    stem += c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return stem;
}

bool has_conformance_test(const std::string& stem) {
  for (const auto& entry : std::filesystem::directory_iterator(CONFORMANCE_FOLDER)) {
    const std::string file = entry.path().filename();
    if (file.starts_with(stem + "_") && file.ends_with("_test.cc")) return true;
  }
  return false;
}

TEST(CommandTable, EveryCommandHasAConformanceTest) {
  EXPECT_FALSE(has_conformance_test("no_such_command"));
  for (const scsi::Row& row : scsi::command_table())
    EXPECT_TRUE(has_conformance_test(file_stem(row.spec.name))) << row.spec.name;
}

class EveryCommand : public OnEveryDisk {
 protected:
  static Bytes cdb_of(const scsi::Spec& spec) {
    Bytes cdb(spec.cdb_length);
    cdb[0] = static_cast<std::byte>(spec.opcode);
    cdb[1] = static_cast<std::byte>(spec.service_action.value_or(0));
    return cdb;
  }
};
SRPD_ON_EVERY_DISK(EveryCommand);

TEST_P(EveryCommand, RefusesEachBitOutsideItsUsage) {
  for (const scsi::Row& row : scsi::command_table()) {
    const scsi::Spec& spec = row.spec;
    for (std::size_t i = 1; i < spec.cdb_length; ++i) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        const bool service_action = i == 1 && spec.service_action && bit < 5;
        if (service_action || (row.allowed[i] & 1u << bit) != 0) continue;
        Bytes cdb = cdb_of(spec);
        cdb[i] |= static_cast<std::byte>(1u << bit);
        const ScsiReply reply = disk().execute({.cdb = cdb, .data_in_length = 64});
        expect_bad_field(reply, static_cast<std::uint16_t>(i));
        EXPECT_GE(reply.decoded().bit.value_or(0), bit) << spec.name;
      }
    }
  }
}

TEST_P(EveryCommand, AnUnknownUnitSaysSo) {
  for (const scsi::Row& row : scsi::command_table()) {
    if (row.spec.any_lun && row.spec.passes_unit_attention) continue;
    expect_check(disk().execute({.cdb = cdb_of(row.spec), .lun = 0x0005000000000000u}),
                 key::illegal_request, 0x2500);
  }
}

TEST_P(EveryCommand, TheWellKnownUnitKnowsFewCommands) {
  for (const scsi::Row& row : scsi::command_table()) {
    if (row.spec.any_lun) continue;
    expect_check(disk().execute({.cdb = cdb_of(row.spec), .lun = 0xc101000000000000u}),
                 key::illegal_request, 0x2000);
  }
}

TEST_P(EveryCommand, AcaIsRefused) {
  expect_check(disk().execute({.cdb = bytes({0, 0, 0, 0, 0, 0}), .attribute = Attribute::aca}),
               key::illegal_request, 0x4900);
}

class CommandCounters : public OnEveryInProcessDisk {};
SRPD_ON_EVERY_IN_PROCESS_DISK(CommandCounters);

TEST_P(CommandCounters, CountWhatHostsDo) {
  const Bytes data = pattern(2 * block_size(), 1);
  expect_good(disk().execute({.cdb = block_cdb(0x2a, 0, 2), .data_out = data}));
  expect_good(disk().execute({.cdb = block_cdb(0x28, 0, 1), .data_in_length = block_size()}));
  EXPECT_FALSE(disk().execute({.cdb = bytes({0xc0, 0, 0, 0, 0, 0})}).good());
  for (const scsi::IoCount& count : {disk().lu().io_count(), disk().host(0).unit.counters->sum()}) {
    EXPECT_EQ(count.commands, 3u);
    EXPECT_EQ(count.errors, 1u);
    EXPECT_EQ(count.read_bytes, block_size());
    EXPECT_EQ(count.written_bytes, 2 * block_size());
  }
}

}  // namespace
}  // namespace srpd::test
