#include "scsi/lu.h"

#include <gtest/gtest.h>

#include "support/hex.h"
#include "support/memory_store.h"

namespace srpd::scsi {
namespace {

using test::MemoryStore;
using test::MemoryStoreOptions;

std::string naa_of(std::string serial, std::uint32_t company = 0x001405) {
  const Lu lu({.unit_serial = std::move(serial), .company_id = company}, {},
              std::make_unique<MemoryStore>(MemoryStoreOptions{}));
  return test::to_hex(lu.naa());
}

TEST(Lu, NaaFollowsFromTheSerial) {
  EXPECT_EQ(naa_of("929cc061-e082-4d98-810c-c90b421bd066"), "6001405929cc061e0824d98810cc90b4");
  EXPECT_EQ(naa_of("ABC xyz 1", 0xabcdef), "6abcdefabc1000000000000000000000");
  EXPECT_EQ(naa_of(""), "60014050000000000000000000000000");
}

TEST(Lu, ContainsIsSafeForAnyRange) {
  MemoryStoreOptions options;
  options.bytes = 100 * 512;
  const Lu lu({}, {}, std::make_unique<MemoryStore>(options));
  EXPECT_TRUE(lu.contains(0, 100));
  EXPECT_TRUE(lu.contains(100, 0));
  EXPECT_FALSE(lu.contains(0, 101));
  EXPECT_FALSE(lu.contains(101, 0));
  EXPECT_FALSE(lu.contains(UINT64_MAX, 1));
  EXPECT_FALSE(lu.contains(1, UINT64_MAX));
}

TEST(Lu, TakesProductFromTheStoreUnlessNamed) {
  const Lu plain({}, {}, std::make_unique<MemoryStore>(MemoryStoreOptions{}));
  EXPECT_EQ(plain.identity().product, "RAMDISK-MCP");
  const Lu named({.product = "MINE"}, {}, std::make_unique<MemoryStore>(MemoryStoreOptions{}));
  EXPECT_EQ(named.identity().product, "MINE");
}

class ChangedAttributes : public testing::Test {
 protected:
  template <class Change>
  std::vector<UnitAttention> told_of(Change change) {
    LuAttributes wanted = lu->attributes();
    change(wanted);
    lu->change_attributes(wanted);
    std::vector<UnitAttention> told;
    while (const auto condition = take_unit_attention(itl)) told.push_back(*condition);
    return told;
  }
  using Told = std::vector<UnitAttention>;

  std::shared_ptr<Lu> lu =
      std::make_shared<Lu>(LuIdentity{.unit_serial = "1"}, LuAttributes{},
                           std::make_unique<MemoryStore>(MemoryStoreOptions{}));
  ItlNexus itl{0, std::make_shared<IoCounters>(lu, 1), false};
};

TEST_F(ChangedAttributes, HostsAreToldWhatToReadAgain) {
  EXPECT_EQ(take_unit_attention(itl), UnitAttention::power_on);
  EXPECT_EQ(told_of([](LuAttributes&) {}), Told{});
  EXPECT_EQ(told_of([](LuAttributes& wanted) { wanted.queue_depth = 7; }), Told{});
  EXPECT_EQ(lu->attributes().queue_depth, 7u);
  EXPECT_EQ(told_of([](LuAttributes& wanted) { wanted.emulate_fua_write = false; }),
            Told{UnitAttention::mode_parameters_changed});
  EXPECT_EQ(told_of([](LuAttributes& wanted) { wanted.max_unmap_lba_count = 7; }),
            Told{UnitAttention::inquiry_data_changed});
  EXPECT_EQ(told_of([](LuAttributes& wanted) { wanted.is_nonrot = false; }),
            Told{UnitAttention::inquiry_data_changed});
  EXPECT_EQ(told_of([](LuAttributes& wanted) { wanted.emulate_tpu = true; }),
            (Told{UnitAttention::capacity_changed, UnitAttention::inquiry_data_changed}));
  EXPECT_TRUE(lu->attributes().emulate_tpu);
}

TEST(Lu, IdentityChangesOnlyWhileNobodyKnowsIt) {
  const auto lu = std::make_shared<Lu>(LuIdentity{.unit_serial = "1"}, LuAttributes{},
                                       std::make_unique<MemoryStore>(MemoryStoreOptions{}));
  ASSERT_TRUE(lu->change_identity({.unit_serial = "2", .vendor = "ME"}).has_value());
  EXPECT_EQ(lu->identity().unit_serial, "2");
  EXPECT_EQ(lu->identity().product, "RAMDISK-MCP");
  lu->add_export();
  EXPECT_TRUE(lu->exported());
  EXPECT_FALSE(lu->change_identity({.unit_serial = "3"}).has_value());
  lu->remove_export();
  {
    const ItlNexus last(0, std::make_shared<IoCounters>(lu, 1), false);
    EXPECT_FALSE(lu->change_identity({.unit_serial = "3"}).has_value());
  }
  EXPECT_EQ(lu->identity().unit_serial, "2");
  EXPECT_FALSE(lu->exported());
}

TEST(LuAttributes, FollowFromTheStore) {
  store::Properties properties;
  properties.block_size = 4096;
  properties.max_transfer_bytes = 8u << 20;
  properties.optimal_transfer_bytes = 1u << 20;
  properties.rotational = true;
  properties.read_only = true;
  LuAttributes attributes = default_attributes(properties);
  EXPECT_EQ(attributes.hw_max_sectors, 2048u);
  EXPECT_EQ(attributes.optimal_sectors, 256u);
  EXPECT_FALSE(attributes.is_nonrot);
  EXPECT_TRUE(attributes.write_protect);
  EXPECT_FALSE(attributes.emulate_tpu);
  EXPECT_EQ(attributes.max_unmap_lba_count, 0u);

  properties.can_unmap = true;
  properties.max_unmap_bytes = 32u << 20;
  properties.unmap_granularity = 65536;
  attributes = default_attributes(properties);
  EXPECT_TRUE(attributes.emulate_tpu && attributes.emulate_tpws);
  EXPECT_EQ(attributes.max_unmap_lba_count, 8192u);
  EXPECT_EQ(attributes.unmap_granularity, 16u);
}

}  // namespace
}  // namespace srpd::scsi
