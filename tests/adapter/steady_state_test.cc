// What a command costs over a device, both ends in this thread: nothing is allocated, neither by
// the target nor by the initiator. (What a device's library allocates itself does not count: it
// takes a little for each piece of memory that an initiator registers.)
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/devices.h"
#include "initiator/client.h"
#include "scsi/lu.h"
#include "store/registry.h"
#include "target/target.h"
#include "transport/verbs/transport.h"
#include "unit/runtime/allocation_counter.h"

namespace srpd::transport {
namespace {

constexpr std::uint32_t block_size = 512;
constexpr std::uint64_t store_size = 8 << 20;
constexpr std::uint64_t lun_1 = std::uint64_t{1} << 48;

template <class T>
T must(Expected<T> expected) {
  if (!expected) ADD_FAILURE() << expected.error().text();
  CHECK(expected.has_value());
  return std::move(*expected);
}

/// A target and a host that is logged in to it.
class Pair {
 public:
  Pair(const std::string& address, const store::Specification& specification)
      : loop_(must(runtime::make_loop({}))), transport_(verbs::make_transport({})) {
    auto store = must(store::open(specification, *loop_));
    if (auto* const memory = store->memory(); memory != nullptr) transport_->lend_memory(*memory);
    scsi::LuIdentity identity;
    identity.name = specification.name;
    identity.unit_serial = "929cc061-e082-4d98-810c-c90b421bd066";
    const auto attributes = scsi::default_attributes(store->properties());
    lu_ = std::make_shared<scsi::Lu>(identity, attributes, std::move(store));
    target_ = std::make_unique<target::Target>(std::vector{loop_.get()}, target::TargetOptions{});
    target::PortDescription port;
    port.scsi.name = "0xdeea7be2967200000000000000000000";
    port.open = true;
    port.luns.push_back({.number = 0, .lu = lu_, .write_protected = false});
    port_ = must(target_->add_port(std::move(port)));
    initiator::SessionOptions options;
    options.address =
        must(target_->listen(*transport_, must(Address::parse("rdma:" + address, 0))));
    options.reconnect = false;
    client_ = must(initiator::Client::connect(*loop_, *transport_, options));
    initiator::Request power_on;
    client_->execute(power_on);
  }
  ~Pair() {
    client_.reset();
    bool down = false;
    target_->shutdown([&down] { down = true; });
    EXPECT_TRUE(run_host_loop_until(*loop_, [&] { return down; }));
    target_.reset();
    lu_.reset();
  }

  initiator::Client& client() { return *client_; }
  transport::Transport& transport() { return *transport_; }

  /// Long enough for the loop to go to sleep.
  void idle() {
    const runtime::Time until = loop_->now() + std::chrono::milliseconds(20);
    EXPECT_TRUE(run_host_loop_until(*loop_, [&] { return loop_->now() >= until; }));
  }

  /// A RAM disk as LUN 1 of the target, while the host is there.
  std::shared_ptr<scsi::Lu> add_ramdisk() {
    store::Specification wanted;
    wanted.type = wanted.name = "ramdisk";
    wanted.size = store_size;
    wanted.block_size = block_size;
    auto store = must(store::open(wanted, *loop_));
    scsi::LuIdentity identity;
    identity.name = "late";
    identity.unit_serial = "929cc061-e082-4d98-810c-c90b421bd067";
    const auto attributes = scsi::default_attributes(store->properties());
    auto lu = std::make_shared<scsi::Lu>(identity, attributes, std::move(store));
    CHECK(target_->add_lun(port_, {.number = 1, .lu = lu, .write_protected = false}).has_value());
    return lu;
  }
  void remove_ramdisk() {
    bool removed = false;
    target_->remove_lun(port_, 1, [&](bool held) {
      EXPECT_FALSE(held);
      removed = true;
    });
    EXPECT_TRUE(run_host_loop_until(*loop_, [&] { return removed; }));
  }

 private:
  std::unique_ptr<runtime::Loop> loop_;
  std::unique_ptr<Transport> transport_;
  std::shared_ptr<scsi::Lu> lu_;
  std::unique_ptr<target::Target> target_;
  target::PortHandle port_{};
  std::unique_ptr<initiator::Client> client_;
};

/// How many pieces of memory this process has registered with devices.
std::size_t registered() {
  const std::string mine = " pid " + std::to_string(::getpid()) + " ";
  FILE* const list = ::popen("rdma resource show mr", "r");
  CHECK(list != nullptr);
  std::array<char, 512> line;
  std::size_t count = 0;
  while (::fgets(line.data(), line.size(), list) != nullptr)
    if (std::string_view(line.data()).find(mine) != std::string_view::npos) ++count;
  CHECK(::pclose(list) == 0);
  return count;
}

void set_cdb(initiator::Request& request, std::uint8_t opcode, std::uint32_t bytes) {
  const wire::be16 blocks = static_cast<std::uint16_t>(bytes / block_size);
  request.cdb = {std::byte{opcode}};
  std::memcpy(&request.cdb[7], &blocks, sizeof blocks);
  request.cdb_length = 10;
}

// Every piece of the store's path was gone once before it counts.
void expect_no_allocation(Pair& pair, std::uint32_t bytes) {
  std::vector<std::byte> out = random_bytes(bytes, bytes), in(bytes);
  initiator::Request write, read;
  set_cdb(write, 0x2a, bytes);
  set_cdb(read, 0x28, bytes);
  write.data_out = out;
  read.data_in = in;
  const auto once = [&] {
    pair.client().execute(write);
    pair.client().execute(read);
    ASSERT_TRUE(write.good() && read.good()) << write.error << read.error;
  };
  for (int i = 0; i < 20; ++i) once();
  EXPECT_EQ(in, out);
  const std::uint64_t before = runtime::test::allocations();
  for (int i = 0; i < 50; ++i) once();
  EXPECT_EQ(runtime::test::allocations() - before, 0u) << bytes;
}

store::Specification specification(const char* type) {
  store::Specification made;
  made.type = type;
  made.name = type;
  made.size = store_size;
  made.block_size = block_size;
  return made;
}

// Its memory is the adapter's.
TEST(SteadyState, RamDisk) {
  const std::string address = test::adapter_address(false);
  if (address.empty()) GTEST_SKIP() << test::no_adapter;
  Pair pair(address, specification("ramdisk"));
  for (const std::uint32_t bytes : {4096u, 1u << 20}) expect_no_allocation(pair, bytes);
}

// It stays registered piece by piece, and the adapter forgets it when it goes: also when the next
// one is found at the same address.
TEST(SteadyState, RamDiskThatComesAndGoes) {
  const std::string address = test::adapter_address(false);
  if (address.empty()) GTEST_SKIP() << test::no_adapter;
  Pair pair(address, specification("ramdisk"));
  expect_no_allocation(pair, 1u << 20);
  const std::vector<std::byte> out = random_bytes(1 << 20, 3);
  initiator::Request write, read;
  std::vector<std::byte> in(out.size());
  for (int round = 0; round < 3; ++round) {
    const std::size_t before = registered();
    auto lu = pair.add_ramdisk();
    runtime::PinnableMemory* const memory = lu->store().memory();
    ASSERT_NE(memory, nullptr);
    pair.transport().lend_memory(*memory);
    initiator::Request power_on;
    power_on.lun = lun_1;
    pair.client().execute(power_on);
    std::fill(in.begin(), in.end(), std::byte{});
    write.lun = read.lun = lun_1;
    set_cdb(write, 0x2a, 1 << 20);
    set_cdb(read, 0x28, 1 << 20);
    write.data_out = out;
    read.data_in = in;
    for (std::uint32_t at = 0; at < store_size; at += 1 << 20) {
      const wire::be32 block = at / block_size;
      std::memcpy(&write.cdb[2], &block, sizeof block);
      std::memcpy(&read.cdb[2], &block, sizeof block);
      pair.client().execute(write);
      ASSERT_TRUE(write.good()) << write.error;
      pair.client().execute(read);
      ASSERT_TRUE(read.good()) << read.error;
      ASSERT_EQ(in, out);
    }
    constexpr std::size_t pieces = store_size / runtime::PinnableMemory::chunk;
    EXPECT_EQ(registered(), before + pieces);
    pair.remove_ramdisk();
    pair.transport().take_memory_back(*memory);
    EXPECT_EQ(registered(), before);
  }
}

// It keeps what it has registered, and its new part is registered piece by piece like the old one.
TEST(SteadyState, RamDiskThatGrows) {
  const std::string address = test::adapter_address(false);
  if (address.empty()) GTEST_SKIP() << test::no_adapter;
  Pair pair(address, specification("ramdisk"));
  auto lu = pair.add_ramdisk();
  runtime::PinnableMemory* const memory = lu->store().memory();
  pair.transport().lend_memory(*memory);
  for (int i = 0; i < 3; ++i) {
    initiator::Request attention;
    attention.lun = lun_1;
    pair.client().execute(attention);
  }
  const std::vector<std::byte> out = random_bytes(1 << 20, 4);
  std::vector<std::byte> in(out.size());
  initiator::Request write, read;
  write.lun = read.lun = lun_1;
  write.data_out = out;
  read.data_in = in;
  set_cdb(write, 0x2a, 1 << 20);
  set_cdb(read, 0x28, 1 << 20);
  const auto move_at = [&](std::uint64_t at) {
    const wire::be32 block = static_cast<std::uint32_t>(at / block_size);
    std::memcpy(&write.cdb[2], &block, sizeof block);
    std::memcpy(&read.cdb[2], &block, sizeof block);
    pair.client().execute(write);
    ASSERT_TRUE(write.good()) << write.error;
    pair.client().execute(read);
    ASSERT_TRUE(read.good()) << read.error;
    ASSERT_EQ(in, out);
  };
  for (std::uint64_t at = 0; at < store_size; at += 1 << 20) move_at(at);
  const std::size_t before = registered();
  ASSERT_TRUE(lu->store().resize({.bytes = 2 * store_size}));
  initiator::Request attention;
  attention.lun = lun_1;
  pair.client().execute(attention);
  // Before it is lent it is served, too.
  move_at(store_size + (2 << 20));
  EXPECT_EQ(registered(), before) << "for the time of the operation";
  pair.transport().lend_memory(*memory->next());
  move_at(store_size - (512 << 10));
  for (std::uint64_t at = store_size; at < 2 * store_size; at += 1 << 20) move_at(at);
  constexpr std::size_t pieces = store_size / runtime::PinnableMemory::chunk;
  EXPECT_EQ(registered(), before + pieces);
  const std::uint64_t allocations = runtime::test::allocations();
  for (int i = 0; i < 20; ++i) move_at(store_size + (2 << 20));
  EXPECT_EQ(runtime::test::allocations() - allocations, 0u);
  pair.remove_ramdisk();
  pair.transport().take_memory_back(*memory->next());
  pair.transport().take_memory_back(*memory);
}

// The user-space /proc/interrupts.
TEST(CompletionVectors, CountWhatCompletes) {
  const std::string address = test::adapter_address(false);
  if (address.empty()) GTEST_SKIP() << test::no_adapter;
  Pair pair(address, specification("ramdisk"));
  const auto count = [&] {
    CompletionVectorCount sum;
    for (const CompletionVectorCount& each : pair.transport().completion_vectors()) {
      EXPECT_FALSE(each.device.empty());
      EXPECT_GE(each.vector, 0);
      EXPECT_NE(each.loop, nullptr);
      sum.completions += each.completions;
      sum.events += each.events;
    }
    return sum;
  };
  std::vector<std::byte> in(4096);
  initiator::Request read;
  set_cdb(read, 0x28, 4096);
  read.data_in = in;
  constexpr std::uint64_t commands = 100;
  const CompletionVectorCount before = count();
  EXPECT_GT(before.completions, 0u) << "the login";
  for (std::uint64_t i = 0; i < commands; ++i) {
    pair.client().execute(read);
    ASSERT_TRUE(read.good()) << read.error;
    if (i % 10 == 0) pair.idle();
  }
  const CompletionVectorCount after = count();
  // SRP_CMD arrives at the target and SRP_RSP at the host, whatever else completes.
  EXPECT_GE(after.completions - before.completions, 2 * commands);
  EXPECT_GT(after.events - before.events, 0u);
  EXPECT_LE(after.events, after.completions);
}

// Goes through the data buffers of the loop.
TEST(SteadyState, File) {
  const std::string address = test::adapter_address(false);
  if (address.empty()) GTEST_SKIP() << test::no_adapter;
  store::Specification disk = specification("fileio");
  disk.path = testing::TempDir() + "srpd-steady-" + std::to_string(::getpid());
  {
    Pair pair(address, disk);
    for (const std::uint32_t bytes : {4096u, 1u << 20}) expect_no_allocation(pair, bytes);
  }
  ::unlink(disk.path.c_str());
}

}  // namespace
}  // namespace srpd::transport
