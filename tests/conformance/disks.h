// The disks that conformance tests run on: every kind of store and way of data arrival the core
// serves differently.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/in_process_device.h"
#include "support/scsi_device.h"

namespace srpd::test {

struct DiskKind {
  std::string name;
  InProcessOptions options;
};

/// Names the kind in test listings.
inline std::string disk_name(const testing::TestParamInfo<DiskKind>& info) {
  return info.param.name;
}
inline std::ostream& operator<<(std::ostream& out, const DiskKind& kind) {
  return out << kind.name;
}

/// All kinds; 512 and 4096 byte blocks.
std::vector<DiskKind> every_disk();

/// A test on every kind of disk. The disk is made when it is first used: a test that makes its own
/// has only that one, since a thread has one simulation at a time.
class OnEveryDisk : public testing::TestWithParam<DiskKind> {
 protected:
  ScsiDevice& disk() { return device(); }
  InProcessDevice& device() {
    if (!device_) device_.emplace(GetParam().options);
    return *device_;
  }
  std::uint32_t block_size() const { return GetParam().options.store.properties.block_size; }

 private:
  std::optional<InProcessDevice> device_;
};

#define SRPD_ON_EVERY_DISK(suite)                                                     \
  INSTANTIATE_TEST_SUITE_P(Disks, suite, testing::ValuesIn(srpd::test::every_disk()), \
                           srpd::test::disk_name)

void expect_good(const ScsiReply& reply);
/// CHECK CONDITION with this sense key and ASC/ASCQ.
void expect_check(const ScsiReply& reply, std::uint8_t key, std::uint16_t code);
/// INVALID FIELD IN CDB that points at `byte` and, where given, `bit`.
void expect_bad_field(const ScsiReply& reply, std::uint16_t byte, int bit = -1);

namespace key {
inline constexpr std::uint8_t not_ready = 2, medium_error = 3, hardware_error = 4,
                              illegal_request = 5, unit_attention = 6, data_protect = 7,
                              aborted_command = 0xb, miscompare = 0xe;
}

/// A CDB of `length` bytes: opcode and byte 1, then LBA and length where the block commands have
/// them.
Bytes block_cdb(unsigned opcode, std::uint64_t lba, std::uint32_t blocks, unsigned byte1 = 0);

/// The disk's own data, past the command under test.
void fill(ScsiDevice& disk, std::uint64_t lba, const Bytes& data);
Bytes content(ScsiDevice& disk, std::uint64_t lba, std::uint32_t blocks);

}  // namespace srpd::test
