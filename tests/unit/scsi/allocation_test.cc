// A READ or WRITE in steady state allocates nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "support/in_process_device.h"

namespace {

std::atomic<std::size_t> allocations{0};

}  // namespace

// Replaced for this whole program. Not inlined: g++ 12 would see malloc and delete mismatched.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace srpd::scsi {
namespace {

using test::Bytes;
using test::InProcessDevice;
using test::InProcessOptions;
using test::TestCommand;

std::size_t allocations_of(const InProcessOptions& options, const test::ScsiRequest& request) {
  InProcessDevice device{options};
  TestCommand& command = device.host(0).command;
  std::size_t counted = 0;
  for (int round = 0; round < 8; ++round) {
    command.prepare(request, device.host(0).lun);
    const std::size_t before = allocations.load();
    command.submit();
    EXPECT_EQ(command.completions, 1);
    EXPECT_TRUE(command.result.good());
    command.finish();
    if (round >= 4) counted += allocations.load() - before;  // pools are warm
  }
  return counted;
}

TEST(Allocation, OfReadsAndWrites) {
  const Bytes read_cdb = test::bytes({0x28, 0, 0, 0, 0, 8, 0, 0, 16, 0});
  const Bytes write_cdb = test::bytes({0x2a, 0, 0, 0, 0, 8, 0, 0, 16, 0});
  for (const bool mapped : {true, false}) {
    for (const auto arrival : {TestCommand::Arrival::immediate, TestCommand::Arrival::fetched}) {
      for (const auto protection : {store::ProtectionType::none, store::ProtectionType::type_1}) {
        InProcessOptions options;
        options.store.mapped = mapped;
        options.arrival = arrival;
        options.protection = protection;
        EXPECT_EQ(allocations_of(options, {.cdb = read_cdb, .data_in_length = 8192}), 0u);
        EXPECT_EQ(allocations_of(options, {.cdb = write_cdb, .data_out = Bytes(8192)}), 0u);
      }
    }
  }
}

TEST(Allocation, AreCounted) {
  const std::size_t before = allocations.load();
  Bytes* const some = new Bytes(100);
  EXPECT_GE(allocations.load(), before + 2);
  delete some;
}

}  // namespace
}  // namespace srpd::scsi
