#include "scsi/nexus.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "scsi/lu.h"
#include "support/memory_store.h"

namespace srpd::scsi {
namespace {

using test::MemoryStore;
using test::MemoryStoreOptions;

std::shared_ptr<Lu> make_lu() {
  return std::make_shared<Lu>(LuIdentity{.unit_serial = "1"}, LuAttributes{},
                              std::make_unique<MemoryStore>(MemoryStoreOptions{}));
}

std::unique_ptr<ItlNexus> make_itl(const std::shared_ptr<Lu>& lu, std::uint32_t number) {
  return std::make_unique<ItlNexus>(number, std::make_shared<IoCounters>(lu, 1), false);
}

class LunMaps : public testing::Test {
 protected:
  ~LunMaps() override {
    for (const auto& [number, unit] : units) map.remove(*unit);
  }
  void add(std::uint32_t number) {
    units[number] = make_itl(lu, number);
    map.add(*units[number]);
  }
  void remove(std::uint32_t number) {
    map.remove(*units[number]);
    units.erase(number);
  }
  std::vector<std::uint32_t> numbers() const {
    std::vector<std::uint32_t> all;
    map.for_each([&](const ItlNexus& unit) { all.push_back(unit.number); });
    return all;
  }

  std::shared_ptr<Lu> lu = make_lu();
  LunMap map;
  std::map<std::uint32_t, std::unique_ptr<ItlNexus>> units;
};

TEST_F(LunMaps, FindsInEveryAddressingMethod) {
  for (const std::uint32_t number : {0u, 1u, 31u, 255u, 256u, 16383u}) add(number);
  const auto number_at = [&](std::uint64_t lun) {
    const ItlNexus* const found = map.find(lun);
    return found == nullptr ? -1 : static_cast<int>(found->number);
  };
  EXPECT_EQ(number_at(0x0000000000000000), 0);
  EXPECT_EQ(number_at(0x0001000000000000), 1);
  EXPECT_EQ(number_at(0x4001000000000000), 1);   // flat space
  EXPECT_EQ(number_at(0x801f000000000000), 31);  // logical unit addressing
  EXPECT_EQ(number_at(0x00ff000000000000), 255);
  EXPECT_EQ(number_at(0x4100000000000000), 256);
  EXPECT_EQ(number_at(0xd200010000000000), 256);  // extended flat space
  EXPECT_EQ(number_at(0x7fff000000000000), 16383);
  EXPECT_EQ(number_at(0x0002000000000000), -1);
  EXPECT_EQ(number_at(0x0101000000000000), -1);  // bus 1
  EXPECT_EQ(number_at(0x0001000000000001), -1);  // a second level
  EXPECT_EQ(number_at(0x8121000000000000), -1);  // target 1
  EXPECT_EQ(number_at(0xc101000000000000), -1);  // well known
  EXPECT_EQ(number_at(0xd201000000000000), -1);
}

TEST_F(LunMaps, ChangesKeepTheOrder) {
  for (const std::uint32_t number : {300u, 5u, 16383u, 0u, 129u}) add(number);
  EXPECT_EQ(numbers(), (std::vector<std::uint32_t>{0, 5, 129, 300, 16383}));
  remove(129);
  remove(0);
  add(6);
  EXPECT_EQ(numbers(), (std::vector<std::uint32_t>{5, 6, 300, 16383}));
  EXPECT_EQ(map.size(), 4u);
  EXPECT_EQ(map.at(0), nullptr);
  EXPECT_EQ(map.at(1000), nullptr);
}

// For the thread sanitizer: one thread changes the table, another one reads it.
TEST_F(LunMaps, AreReadWhileTheyChange) {
  for (std::uint32_t number = 0; number < 300; ++number) units[number] = make_itl(lu, number);
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      map.for_each([](ItlNexus& unit) { unit.raise(UnitAttention::reported_luns_changed); });
      const ItlNexus* const found = map.find(encode_lun(290));
      EXPECT_TRUE(found == nullptr || found->number == 290);
    }
  });
  for (int round = 0; round < 50; ++round) {
    for (const auto& [number, unit] : units) map.add(*unit);
    for (const auto& [number, unit] : units) map.remove(*unit);
  }
  stop = true;
  reader.join();
  units.clear();
}

TEST(ItlNexus, NewHostsLearnOfPowerOnOnce) {
  const auto itl = make_itl(make_lu(), 0);
  EXPECT_EQ(take_unit_attention(*itl), UnitAttention::power_on);
  EXPECT_EQ(take_unit_attention(*itl), std::nullopt);
}

TEST(ItlNexus, UnitAttentionsReachEveryHostButOneByImportance) {
  const auto lu = make_lu();
  const auto a = make_itl(lu, 0);
  const auto b = make_itl(lu, 7);
  lu->raise(UnitAttention::mode_parameters_changed, a.get());
  lu->raise(UnitAttention::reported_luns_changed);
  EXPECT_EQ(take_unit_attention(*a), UnitAttention::power_on);
  EXPECT_EQ(take_unit_attention(*a), UnitAttention::reported_luns_changed);
  EXPECT_EQ(take_unit_attention(*a), std::nullopt);
  EXPECT_EQ(take_unit_attention(*b), UnitAttention::power_on);
  EXPECT_EQ(take_unit_attention(*b), UnitAttention::reported_luns_changed);
  EXPECT_EQ(take_unit_attention(*b), UnitAttention::mode_parameters_changed);
}

TEST(ItlNexus, KeepsTheUnit) {
  auto lu = make_lu();
  const std::weak_ptr<Lu> watched = lu;
  auto itl = make_itl(lu, 0);
  lu.reset();
  EXPECT_FALSE(watched.expired());
  itl.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(IoCounters, TheUnitAddsUpThoseThatAreGone) {
  const auto lu = make_lu();
  auto counters = std::make_shared<IoCounters>(lu, 2);
  counters->cells()[0].of(IoClass::other).commands.add(3);
  counters->cells()[1].of(IoClass::read).commands.add(4);
  counters->cells()[1].of(IoClass::read).bytes.add(512);
  const IoCounters others(lu, 1);
  EXPECT_EQ(counters->sum().commands, 7u);
  EXPECT_EQ(lu->io_count().commands, 7u);
  counters.reset();
  EXPECT_EQ(lu->io_count().commands, 7u);
  EXPECT_EQ(lu->io_count().read_bytes, 512u);
}

}  // namespace
}  // namespace srpd::scsi
