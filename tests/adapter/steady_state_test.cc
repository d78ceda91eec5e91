// What a command costs over a device, both ends in this thread: nothing is allocated, neither by
// the target nor by the initiator. (What a device's library allocates itself does not count: it
// takes a little for each piece of memory that an initiator registers.)
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
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
    CHECK(target_->add_port(std::move(port)).has_value());
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

 private:
  std::unique_ptr<runtime::Loop> loop_;
  std::unique_ptr<Transport> transport_;
  std::shared_ptr<scsi::Lu> lu_;
  std::unique_ptr<target::Target> target_;
  std::unique_ptr<initiator::Client> client_;
};

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
