#include "scsi/nexus.h"

#include <gtest/gtest.h>

#include "scsi/lu.h"
#include "support/memory_store.h"

namespace srpd::scsi {
namespace {

using test::MemoryStore;
using test::MemoryStoreOptions;

std::unique_ptr<LunMap> map_of(std::vector<LunMap::Entry> entries) {
  auto map = LunMap::make(std::move(entries));
  EXPECT_TRUE(map.has_value());
  return map ? std::move(*map) : nullptr;
}

TEST(LunMap, RefusesDoubleAndTooLargeNumbers) {
  EXPECT_FALSE(LunMap::make({{3}, {1}, {3}}).has_value());
  EXPECT_FALSE(LunMap::make({{16384}}).has_value());
  EXPECT_TRUE(LunMap::make({}).has_value());
}

TEST(LunMap, FindsInEveryAddressingMethod) {
  const auto map = map_of({{0}, {1}, {31}, {255}, {256}, {16383}});
  const auto number_at = [&](std::uint64_t lun) {
    const ItlNexus* const found = map->find(lun);
    return found == nullptr ? -1 : static_cast<int>(found - &map->at(0));
  };
  EXPECT_EQ(number_at(0x0000000000000000), 0);
  EXPECT_EQ(number_at(0x0001000000000000), 1);
  EXPECT_EQ(number_at(0x4001000000000000), 1);  // flat space
  EXPECT_EQ(number_at(0x801f000000000000), 2);  // logical unit addressing
  EXPECT_EQ(number_at(0x00ff000000000000), 3);
  EXPECT_EQ(number_at(0x4100000000000000), 4);
  EXPECT_EQ(number_at(0xd200010000000000), 4);  // extended flat space
  EXPECT_EQ(number_at(0x7fff000000000000), 5);
  EXPECT_EQ(number_at(0x0002000000000000), -1);
  EXPECT_EQ(number_at(0x0101000000000000), -1);  // bus 1
  EXPECT_EQ(number_at(0x0001000000000001), -1);  // a second level
  EXPECT_EQ(number_at(0x8121000000000000), -1);  // target 1
  EXPECT_EQ(number_at(0xc101000000000000), -1);  // well known
  EXPECT_EQ(number_at(0xd201000000000000), -1);
}

TEST(ItNexus, NewHostsLearnOfPowerOnOnce) {
  Lu lu({.unit_serial = "1"}, {}, std::make_unique<MemoryStore>(MemoryStoreOptions{}));
  const TargetPort port;
  ItNexus nexus("a", {}, port, map_of({{0, &lu, false}}));
  ItlNexus& itl = nexus.luns().at(0);
  EXPECT_EQ(take_unit_attention(itl), UnitAttention::power_on);
  EXPECT_EQ(take_unit_attention(itl), std::nullopt);
}

TEST(ItNexus, UnitAttentionsReachEveryHostButOneByImportance) {
  Lu lu({.unit_serial = "1"}, {}, std::make_unique<MemoryStore>(MemoryStoreOptions{}));
  const TargetPort port;
  ItNexus a("a", {}, port, map_of({{0, &lu, false}}));
  ItNexus b("b", {}, port, map_of({{0, &lu, false}}));
  lu.raise(UnitAttention::mode_parameters_changed, &a.luns().at(0));
  lu.raise(UnitAttention::reported_luns_changed);
  ItlNexus& first = a.luns().at(0);
  ItlNexus& second = b.luns().at(0);
  EXPECT_EQ(take_unit_attention(first), UnitAttention::power_on);
  EXPECT_EQ(take_unit_attention(first), UnitAttention::reported_luns_changed);
  EXPECT_EQ(take_unit_attention(first), std::nullopt);
  EXPECT_EQ(take_unit_attention(second), UnitAttention::power_on);
  EXPECT_EQ(take_unit_attention(second), UnitAttention::reported_luns_changed);
  EXPECT_EQ(take_unit_attention(second), UnitAttention::mode_parameters_changed);
}

}  // namespace
}  // namespace srpd::scsi
