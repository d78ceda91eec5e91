// Ten thousand LUNs and a thousand initiators: what they cost in memory, and that one more costs no
// more than the first did. Counted, not timed.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include "support/lio_world.h"

namespace {

std::size_t live_bytes = 0;
std::uint64_t allocations = 0;
constexpr std::size_t header = alignof(std::max_align_t);

void* counted_allocate(std::size_t size) {
  void* const memory = std::malloc(size + header);
  if (!memory) throw std::bad_alloc();
  *static_cast<std::size_t*>(memory) = size;
  live_bytes += size;
  ++allocations;
  return static_cast<std::byte*>(memory) + header;
}

void counted_free(void* memory) {
  if (!memory) return;
  void* const whole = static_cast<std::byte*>(memory) - header;
  live_bytes -= *static_cast<std::size_t*>(whole);
  std::free(whole);
}

}  // namespace

void* operator new(std::size_t size) { return counted_allocate(size); }
void* operator new[](std::size_t size) { return counted_allocate(size); }
void operator delete(void* memory) noexcept { counted_free(memory); }
void operator delete[](void* memory) noexcept { counted_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { counted_free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { counted_free(memory); }

namespace srpd::lio::test {
namespace {

constexpr int luns = 10000;
constexpr int initiators = 1000;
constexpr int mapped_per_initiator = 10;
const std::string tpg = "srpt/0x00000000000000000000000000000001/tpgt_1";

void make_lun(World& world, int number) {
  const std::string n = std::to_string(number);
  const std::string device = "core/rd_mcp_" + n + "/disk" + n;
  world.make_ramdisk("rd_mcp_" + n, "disk" + n);
  ASSERT_EQ(world.write(device + "/wwn/vpd_unit_serial",
                        "929cc061-e082-4d98-810c-0000000" + std::to_string(10000 + number)),
            0);
  const std::string lun = tpg + "/lun/lun_" + n;
  ASSERT_EQ(world.mkdir(lun), 0);
  ASSERT_EQ(world.symlink(lun + "/" + n, device), 0);
}

void make_initiator(World& world, int number) {
  const std::string acl =
      tpg + "/acls/0x0000000000000000000000000000" + std::to_string(1000 + number);
  ASSERT_EQ(world.mkdir(acl), 0);
  for (int i = 0; i < mapped_per_initiator; ++i) {
    const std::string mapped = acl + "/lun_" + std::to_string(i);
    const int lun = number * mapped_per_initiator + i;
    ASSERT_EQ(world.mkdir(mapped), 0);
    ASSERT_EQ(world.symlink(mapped + "/m", tpg + "/lun/lun_" + std::to_string(lun)), 0);
  }
}

std::uint64_t count_entries(const World& world, tree::Id directory) {
  const auto listed = world.tree.list(directory).value();
  std::uint64_t count = listed.size();
  for (const tree::Listed& entry : listed)
    if (entry.status.kind == tree::Kind::directory) count += count_entries(world, entry.status.id);
  return count;
}

TEST(LioLoad, TenThousandLunsAreSmallAndOneMoreIsCheap) {
  World world;
  for (const std::string& path : {std::string("srpt"), tpg.substr(0, tpg.rfind('/')), tpg})
    ASSERT_EQ(world.mkdir(path), 0);
  make_lun(world, 0);
  world.engine.take_calls();
  const std::uint64_t before_second = allocations;
  make_lun(world, 1);
  const std::uint64_t second = allocations - before_second;

  const std::size_t empty = live_bytes;
  for (int i = 2; i < luns; ++i) make_lun(world, i);
  world.engine.take_calls();
  const std::size_t per_lun = (live_bytes - empty) / (luns - 2);
  for (int i = 0; i < initiators; ++i) make_initiator(world, i);
  world.engine.take_calls();
  const std::size_t with_mappings = (live_bytes - empty) / luns;
  RecordProperty("bytes_per_lun", static_cast<int>(per_lun));
  RecordProperty("bytes_per_lun_with_mappings", static_cast<int>(with_mappings));
  EXPECT_LT(with_mappings, 10u << 10) << "per LUN with its device, alone " << per_lun;

  const std::uint64_t before_last = allocations;
  make_lun(world, luns);
  const std::uint64_t last = allocations - before_last;
  // An index that grows doubles at once.
  EXPECT_LT(last, second + 50) << "one more LUN among many";

  const std::uint64_t before_list = allocations;
  const std::uint64_t entries = count_entries(world, tree::root_id);
  EXPECT_GT(entries, 1'500'000u);
  EXPECT_LT(allocations - before_list, 2 * entries) << "listing the whole tree";
}

}  // namespace
}  // namespace srpd::lio::test
