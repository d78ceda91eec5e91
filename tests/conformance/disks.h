// The disks that conformance tests run on: every kind of store and way of data arrival the core
// serves differently, and every way in which our two ends reach it over TCP.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "support/in_process_device.h"
#include "support/scsi_device.h"

namespace srpd::test {

struct InProcessKind {
  std::string name;
  InProcessOptions options;
};

struct DiskKind {
  std::string name;
  std::function<std::unique_ptr<ScsiDevice>()> make;
};

/// Names the kind in test listings.
struct DiskName {
  template <class Kind>
  std::string operator()(const testing::TestParamInfo<Kind>& info) const {
    return info.param.name;
  }
};
inline std::ostream& operator<<(std::ostream& out, const InProcessKind& kind) {
  return out << kind.name;
}
inline std::ostream& operator<<(std::ostream& out, const DiskKind& kind) {
  return out << kind.name;
}

/// The core alone, 512 and 4096 byte blocks: without and with protection information, and both.
std::vector<InProcessKind> every_plain_disk();
std::vector<InProcessKind> every_protected_disk();
std::vector<InProcessKind> every_in_process_disk();
/// Those of them whose store is asked for everything, instead of lending its memory.
std::vector<InProcessKind> every_disk_with_operations();
/// All kinds: these and those that are reached over TCP, whose names begin with "tcp_".
std::vector<DiskKind> every_disk();

/// A test of what any host can see, on every kind of disk. The disk is made when it is first used.
class OnEveryDisk : public testing::TestWithParam<DiskKind> {
 protected:
  ScsiDevice& disk() {
    if (!disk_) disk_ = GetParam().make();
    return *disk_;
  }
  std::uint32_t block_size() { return disk().block_size(); }
  const store::Properties& properties() { return disk().properties(); }

 private:
  std::unique_ptr<ScsiDevice> disk_;
};

/// A test that looks into the core or has its store fail. One that makes its own disk has only
/// that one, since a thread has one simulation at a time.
class OnEveryInProcessDisk : public testing::TestWithParam<InProcessKind> {
 protected:
  InProcessDevice& disk() {
    if (!disk_) disk_ = std::make_unique<InProcessDevice>(GetParam().options);
    return *disk_;
  }
  std::uint32_t block_size() const { return GetParam().options.store.properties.block_size; }

 private:
  std::unique_ptr<InProcessDevice> disk_;
};

#define SRPD_ON_DISKS(suite, disks) \
  INSTANTIATE_TEST_SUITE_P(Disks, suite, testing::ValuesIn(disks), srpd::test::DiskName())
#define SRPD_ON_EVERY_DISK(suite) SRPD_ON_DISKS(suite, srpd::test::every_disk())
#define SRPD_ON_EVERY_IN_PROCESS_DISK(suite) \
  SRPD_ON_DISKS(suite, srpd::test::every_in_process_disk())

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
/// START STOP UNIT: START 1 or 0.
Bytes start_stop_cdb(bool start);

/// The disk's own data, past the command under test.
void fill(ScsiDevice& disk, std::uint64_t lba, const Bytes& data);
Bytes content(ScsiDevice& disk, std::uint64_t lba, std::uint32_t blocks);

}  // namespace srpd::test
