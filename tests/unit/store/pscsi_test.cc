// The commands of a SCSI device through SG_IO: with a system call of the test's own, and a sysfs of
// its own, since not every machine has SCSI devices. tests/interop serves real ones.
#include "store/pscsi.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <vector>

#include "runtime/buffer_pool.h"
#include "unit/store/store_suite.h"

namespace srpd::store::test {
namespace {

using Direction = ScsiOperation::Direction;

constexpr std::array read_10{std::byte{0x28}, std::byte{0}, std::byte{0}, std::byte{0},
                             std::byte{0},    std::byte{0}, std::byte{0}, std::byte{0},
                             std::byte{1},    std::byte{0}};

/// One command of a device whose system call is `call`.
int outcome_of(ScsiOperation& operation, const SgIo& call, std::uint8_t device_type = 0) {
  OpenedDevice device;
  device.identity.device_type = device_type;
  if (operation.cdb.empty()) operation.cdb = read_10;
  return perform(device, call, operation);
}

TEST(Pscsi, TheHeaderSaysWhatTheCommandIs) {
  std::array<std::byte, 512> data{};
  std::array<std::byte, 96> sense{};
  for (const auto& [direction, expected] :
       {std::pair{Direction::in, SG_DXFER_FROM_DEV}, std::pair{Direction::out, SG_DXFER_TO_DEV},
        std::pair{Direction::none, SG_DXFER_NONE}}) {
    ScsiOperation operation;
    operation.direction = direction;
    if (direction != Direction::none) operation.data = data;
    operation.sense = sense;
    const int wanted = expected;
    EXPECT_EQ(outcome_of(operation,
                         [&](int, sg_io_hdr& header) {
                           EXPECT_EQ(header.interface_id, 'S');
                           EXPECT_EQ(header.dxfer_direction, wanted);
                           EXPECT_EQ(header.cmd_len, 10);
                           EXPECT_EQ(std::memcmp(header.cmdp, read_10.data(), 10), 0);
                           EXPECT_EQ(header.dxfer_len, operation.data.size());
                           EXPECT_EQ(header.dxferp, operation.data.data());
                           EXPECT_EQ(header.mx_sb_len, 96);
                           EXPECT_EQ(header.flags & 0x10, 0x10u);  // not ahead of what waits
                           return 0;
                         }),
              0);
  }
}

TEST(Pscsi, LongCommandsGetTheTimeTheyNeed) {
  const auto timeout_of = [](std::uint8_t opcode, std::uint8_t device_type) {
    const std::array cdb{static_cast<std::byte>(opcode),
                         std::byte{0},
                         std::byte{0},
                         std::byte{0},
                         std::byte{0},
                         std::byte{0}};
    ScsiOperation operation;
    operation.cdb = cdb;
    unsigned timeout = 0;
    outcome_of(
        operation,
        [&](int, sg_io_hdr& header) {
          timeout = header.timeout;
          return 0;
        },
        device_type);
    return timeout;
  };
  EXPECT_LT(timeout_of(0x28, 0x00), 30'000u);  // what a Linux host waits for
  EXPECT_GE(timeout_of(0x04, 0x00), 3'600'000u);
  EXPECT_GE(timeout_of(0x01, 0x01), 600'000u);  // REWIND
}

TEST(Pscsi, SenseResidualAndStatusAreTheDevices) {
  std::array<std::byte, 512> data{};
  std::array<std::byte, 96> sense{};
  ScsiOperation operation;
  operation.direction = Direction::in;
  operation.data = data;
  operation.sense = sense;
  const auto check_condition = [](int, sg_io_hdr& header) {
    header.status = 0x02;
    header.driver_status = 0x08;
    header.sbp[0] = 0x70;
    header.sb_len_wr = 18;
    header.resid = 112;
    return 0;
  };
  EXPECT_EQ(outcome_of(operation, check_condition), 0);
  EXPECT_EQ(operation.status, 0x02);
  EXPECT_EQ(operation.sense_length, 18u);
  EXPECT_EQ(sense[0], std::byte{0x70});
  EXPECT_EQ(operation.residual, 112u);
  for (const int wrong : {-5, 513, INT32_MAX, INT32_MIN}) {
    outcome_of(operation, [&](int, sg_io_hdr& header) {
      header.resid = wrong;
      return 0;
    });
    EXPECT_EQ(operation.residual, wrong < 0 ? 0u : 512u);
  }
  outcome_of(operation, [](int, sg_io_hdr& header) {
    header.sb_len_wr = 200;  // more than there was room for
    return 0;
  });
  EXPECT_EQ(operation.sense_length, 96u);
  EXPECT_EQ(operation.status, 0x02);
}

TEST(Pscsi, WhatKeptTheDeviceFromAnsweringIsTold) {
  const auto by_host = [](unsigned short host_status, unsigned short driver_status = 0) {
    ScsiOperation operation;
    return outcome_of(operation, [&](int, sg_io_hdr& header) {
      header.host_status = host_status;
      header.driver_status = driver_status;
      return 0;
    });
  };
  EXPECT_EQ(by_host(0x00), 0);
  EXPECT_EQ(by_host(0x01), -ENODEV);
  EXPECT_EQ(by_host(0x02), -EBUSY);
  EXPECT_EQ(by_host(0x03), -ETIMEDOUT);
  EXPECT_EQ(by_host(0x05), -ECANCELED);
  EXPECT_EQ(by_host(0x07), -EREMOTEIO);
  EXPECT_EQ(by_host(0x0f), -ENODEV);
  EXPECT_EQ(by_host(0x99), -EREMOTEIO);
  EXPECT_EQ(by_host(0x00, 0x06), -ETIMEDOUT);
  ScsiOperation reserved;
  EXPECT_EQ(outcome_of(reserved,
                       [](int, sg_io_hdr& header) {
                         header.host_status = 0x11;
                         return 0;
                       }),
            0);
  EXPECT_EQ(reserved.status, 0x18);
  const auto by_call = [](int error) {
    ScsiOperation operation;
    return outcome_of(operation, [&](int, sg_io_hdr&) { return error; });
  };
  EXPECT_EQ(by_call(-ENODEV), -ENODEV);
  EXPECT_EQ(by_call(-ENXIO), -ENODEV);
  EXPECT_EQ(by_call(-ENOMEM), -EBUSY);
  EXPECT_EQ(by_call(-EPERM), -EINVAL);
  EXPECT_EQ(by_call(-EIO), -EREMOTEIO);
}

/// Calls that wait until the test lets them go, each by its first data byte.
class Gate {
 public:
  int pass(sg_io_hdr& header) {
    std::unique_lock lock(mutex_);
    begun_.push_back(header.cmdp[1]);
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    return 0;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for(std::size_t begun) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_.size() >= begun; });
  }
  std::vector<unsigned> begun() {
    const std::lock_guard lock(mutex_);
    return begun_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<unsigned> begun_;
  bool open_ = false;
};

class PscsiStoreTest : public ::testing::TestWithParam<std::string> {
 protected:
  struct Command {
    explicit Command(unsigned number) : cdb{} {
      cdb[1] = static_cast<std::byte>(number);
      operation.cdb = cdb;
    }
    std::array<std::byte, 6> cdb;
    ScsiOperation operation;
  };

  void SetUp() override {
    bench = make_loop_bench(GetParam());
    if (bench == nullptr) GTEST_SKIP() << GetParam() << " is refused on this machine";
  }
  void make(std::uint32_t queue_depth, std::uint8_t device_type = 0) {
    OpenedDevice device;
    device.properties.queue_depth = queue_depth;
    device.identity.device_type = device_type;
    store = std::make_unique<PscsiStore>(
        std::move(device), [this](int, sg_io_hdr& header) { return gate.pass(header); });
    for (unsigned i = 0; i < 6; ++i) commands.push_back(std::make_unique<Command>(i));
  }
  void submit_all() {
    for (const auto& command : commands)
      store->pass_through()->submit(bench->loop(), command->operation);
  }
  bool wait_for_all() {
    return bench->run_until([&] {
      return std::ranges::all_of(commands, [](const auto& c) { return c->operation.done(); });
    });
  }

  Gate gate;
  std::unique_ptr<LoopBench> bench;
  std::unique_ptr<PscsiStore> store;
  std::vector<std::unique_ptr<Command>> commands;
};
INSTANTIATE_TEST_SUITE_P(All, PscsiStoreTest, ::testing::Values("io_uring", "epoll"),
                         [](const auto& kind) { return kind.param; });

TEST_P(PscsiStoreTest, ADiskGetsAsManyAtOnceAsItTakes) {
  make(4);
  submit_all();
  gate.wait_for(4);
  EXPECT_EQ(gate.begun().size(), 4u);
  gate.open();
  ASSERT_TRUE(wait_for_all());
  EXPECT_EQ(gate.begun().size(), 6u);
  for (const auto& command : commands) EXPECT_EQ(command->operation.result(), 0);
}

TEST_P(PscsiStoreTest, ATapeGetsOneAfterTheOther) {
  make(64, 0x01);
  submit_all();
  gate.wait_for(1);
  EXPECT_EQ(gate.begun().size(), 1u);
  gate.open();
  ASSERT_TRUE(wait_for_all());
  EXPECT_EQ(gate.begun(), (std::vector<unsigned>{0, 1, 2, 3, 4, 5}));
}

// Behind a command that hangs: what the host gives up is never done, whenever the device wakes up.
TEST_P(PscsiStoreTest, WhatWaitsCanBeCancelled) {
  make(1);
  submit_all();
  gate.wait_for(1);
  PassThrough& device = *store->pass_through();
  for (const std::size_t i : {0u, 2u, 5u}) device.cancel(commands[i]->operation);
  EXPECT_FALSE(commands[2]->operation.done());  // not inline
  ASSERT_TRUE(bench->run_until(
      [&] { return commands[2]->operation.done() && commands[5]->operation.done(); }));
  EXPECT_EQ(commands[2]->operation.result(), -ECANCELED);
  EXPECT_FALSE(commands[0]->operation.done());  // the device is at it
  gate.open();
  ASSERT_TRUE(wait_for_all());
  EXPECT_EQ(gate.begun(), (std::vector<unsigned>{0, 1, 3, 4}));
  EXPECT_EQ(commands[0]->operation.result(), 0);
  device.cancel(commands[0]->operation);  // too late is no mistake
}

TEST_P(PscsiStoreTest, HasNoBlocks) {
  make(1);
  Driver driver(*bench, *store);
  EXPECT_EQ(driver.flush(), -EOPNOTSUPP);
}

/// A sysfs with one device in it.
class FakeSysfs {
 public:
  explicit FakeSysfs(const std::string& address = "2:0:1:3") : address_(address) {
    std::filesystem::create_directories(device());
  }
  void write(const std::string& file, const std::string& text) {
    const std::filesystem::path path = device() + "/" + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  }
  void add_node(const std::string& kind, const std::string& name) {
    std::filesystem::create_directories(device() + "/" + kind + "/" + name);
  }
  /// /sys/dev/{block,char}/MAJOR:MINOR/device
  void link(const std::string& node) {
    struct stat status{};
    ASSERT_EQ(::stat(node.c_str(), &status), 0);
    const std::string folder = directory_.path() + "/dev/char/" +
                               std::to_string(major(status.st_rdev)) + ":" +
                               std::to_string(minor(status.st_rdev));
    std::filesystem::create_directories(folder);
    std::filesystem::create_symlink("../../../" + address_, folder + "/device");
  }
  std::string device() const {
    return directory_.path() + "/class/scsi_device/" + address_ + "/device";
  }
  const std::string& path() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
  std::string address_;
};

Specification specification(const std::string& path) {
  return {.type = "pscsi", .name = "pt0", .path = path};
}

TEST(PscsiPlace, ByAddressThroughTheSgNode) {
  FakeSysfs sysfs;
  const auto without = find_scsi_device(specification("2:0:1:3"), sysfs.path());
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().text().find("modprobe sg"), std::string::npos);
  sysfs.add_node("block", "sdz");
  EXPECT_EQ(find_scsi_device(specification("2:0:1:3"), sysfs.path())->node, "/dev/sdz");
  sysfs.add_node("scsi_generic", "sg7");
  const auto place = find_scsi_device(specification("2:0:1:3"), sysfs.path());
  ASSERT_TRUE(place);
  EXPECT_EQ(place->node, "/dev/sg7");
  EXPECT_EQ(place->folder, sysfs.device());
}

// As st0 or a bsg node: a node of another driver leads to the sg node of the same device.
TEST(PscsiPlace, ByANodeOfAnotherDriver) {
  FakeSysfs sysfs;
  sysfs.add_node("scsi_generic", "sg7");
  const auto before = find_scsi_device(specification("/dev/null"), sysfs.path());
  ASSERT_FALSE(before);
  EXPECT_NE(before.error().text().find("not a SCSI device"), std::string::npos);
  sysfs.link("/dev/null");
  const auto place = find_scsi_device(specification("/dev/null"), sysfs.path());
  ASSERT_TRUE(place) << place.error().text();
  EXPECT_EQ(place->node, "/dev/sg7");
  EXPECT_EQ(place->address, "2:0:1:3");
}

TEST(PscsiPlace, WhatIsNotThereIsExplained) {
  FakeSysfs sysfs;
  for (const char* path : {"9:9:9:9", "/dev/no-such-node", "1:2:3", "::::"}) {
    const auto place = find_scsi_device(specification(path), sysfs.path());
    ASSERT_FALSE(place) << path;
    EXPECT_NE(place.error().text().find("no such SCSI device"), std::string::npos) << path;
  }
  EXPECT_FALSE(find_scsi_device(specification(""), sysfs.path()));
  EXPECT_FALSE(find_scsi_device(specification(sysfs.path()), sysfs.path()));
}

TEST(PscsiLimits, OfADiskAreThoseOfItsQueue) {
  FakeSysfs sysfs;
  sysfs.write("queue_depth", "16");
  sysfs.write("block/sdz/size", "16384");
  sysfs.write("block/sdz/queue/max_hw_sectors_kb", "512");
  sysfs.write("block/sdz/queue/max_segments", "64");
  sysfs.write("block/sdz/queue/logical_block_size", "4096");
  OpenedDevice device;
  read_limits(device, sysfs.device());
  EXPECT_EQ(device.properties.queue_depth, 16u);
  EXPECT_EQ(device.properties.max_transfer_bytes, 64u * 4096);
  EXPECT_EQ(device.properties.block_size, 4096u);
  EXPECT_EQ(device.size, 16384u * 512);
  sysfs.write("block/sdz/queue/max_segments", "4096");
  sysfs.write("block/sdz/queue/max_hw_sectors_kb", "32767");
  sysfs.write("block/sdz/queue/logical_block_size", "520");
  OpenedDevice large;
  read_limits(large, sysfs.device());
  EXPECT_EQ(large.properties.max_transfer_bytes, runtime::BufferPool::largest);
  EXPECT_EQ(large.properties.block_size, 512u);
}

struct Sizes final : Observer {
  void on_size_changed(std::uint64_t bytes) override { seen.push_back(bytes); }
  std::vector<std::uint64_t> seen;
};

TEST(PscsiSize, IsThatOfTheDevice) {
  FakeSysfs sysfs;
  sysfs.write("block/sdz/size", "16384");
  OpenedDevice device;
  read_limits(device, sysfs.device());
  PscsiStore store(std::move(device), [](int, sg_io_hdr&) { return 0; });
  Sizes sizes;
  store.set_observer(&sizes);
  EXPECT_FALSE(store.resize({.bytes = 32768 * 512}));
  EXPECT_EQ(store.resize({}).value_or(0), 16384u * 512);
  EXPECT_TRUE(sizes.seen.empty());
  sysfs.write("block/sdz/size", "32768");
  EXPECT_EQ(store.resize({}).value_or(0), 32768u * 512);
  EXPECT_EQ(sizes.seen, (std::vector<std::uint64_t>{32768 * 512}));
  EXPECT_EQ(store.size(), 32768u * 512);
  EXPECT_TRUE(std::filesystem::exists(sysfs.device() + "/rescan")) << "the kernel asks it again";
  sysfs.write("block/sdz/size", "16384");
  EXPECT_FALSE(store.resize({}));
  EXPECT_TRUE(store.resize({.may_shrink = true}));
  store.set_observer(nullptr);
}

TEST(PscsiLimits, OfWhatHasNoQueueAreCautious) {
  FakeSysfs sysfs;
  OpenedDevice tape;
  read_limits(tape, sysfs.device());
  EXPECT_EQ(tape.properties.max_transfer_bytes, 128u << 10);
  EXPECT_EQ(tape.size, 0u);
}

TEST(PscsiIdentity, IsWhatInquirySays) {
  OpenedDevice device;
  int calls = 0;
  const auto known = inquire(device, [&](int, sg_io_hdr& header) {
    // The first command hears of a reset: that is no answer.
    if (++calls == 1) {
      header.status = 0x02;
      header.sb_len_wr = 18;
      return 0;
    }
    auto* const data = static_cast<char*>(header.dxferp);
    if ((header.cmdp[1] & 1) == 0) {
      data[0] = 0x01;
      std::memcpy(data + 8, "Linux   scsi_debug      0191", 28);
      header.resid = static_cast<int>(header.dxfer_len - 96 + 60);
    } else if (header.cmdp[2] == 0x80) {
      std::memcpy(data, "\x01\x80\x00\x08    2000", 12);
      header.resid = static_cast<int>(header.dxfer_len - 12);
    } else {
      std::memcpy(data, "\x01\x83\x00\x08\x02\x01\x00\x04Test", 12);
      header.resid = static_cast<int>(header.dxfer_len - 12);
    }
    return 0;
  });
  ASSERT_TRUE(known) << known.error().text();
  EXPECT_EQ(device.identity.device_type, 1);
  EXPECT_EQ(device.identity.vendor, "Linux");
  EXPECT_EQ(device.identity.product, "scsi_debug");
  EXPECT_EQ(device.identity.revision, "0191");
  EXPECT_EQ(device.identity.unit_serial, "2000");
  ASSERT_EQ(device.identity.designators.size(), 1u);
  EXPECT_EQ(device.identity.designators[0].bytes, "Test");
}

TEST(PscsiIdentity, OfADeviceThatDoesNotAnswer) {
  OpenedDevice device;
  device.path = "/dev/sg7";
  for (const SgIo& call :
       {SgIo([](int, sg_io_hdr&) { return -EIO; }), SgIo([](int, sg_io_hdr& header) {
          header.resid = static_cast<int>(header.dxfer_len);
          return 0;
        })}) {
    const auto known = inquire(device, call);
    ASSERT_FALSE(known);
    EXPECT_NE(known.error().text().find("does not answer INQUIRY"), std::string::npos);
  }
}

}  // namespace
}  // namespace srpd::store::test
