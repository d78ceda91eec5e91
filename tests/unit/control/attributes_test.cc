#include "control/attributes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace srpd::control {
namespace {

using ::testing::HasSubstr;

class AttributesTest : public ::testing::Test {
 protected:
  std::string error_of(const std::string& name, std::uint64_t value) {
    const auto set = apply_attribute(attributes, {name, value}, properties);
    return set ? "" : set.error().text();
  }
  scsi::LuAttributes attributes;
  store::Properties properties;
};

TEST_F(AttributesTest, ServedOnesAreSet) {
  EXPECT_EQ(error_of("queue_depth", 64), "");
  EXPECT_EQ(attributes.queue_depth, 64u);
  EXPECT_EQ(error_of("is_nonrot", 0), "");
  EXPECT_FALSE(attributes.is_nonrot);
  EXPECT_EQ(error_of("optimal_sectors", 4294967288), "");
  EXPECT_EQ(attributes.optimal_sectors, 4294967288u);
}

TEST_F(AttributesTest, BoundsHold) {
  EXPECT_THAT(error_of("queue_depth", 0), HasSubstr("use 1 to 1024"));
  EXPECT_THAT(error_of("is_nonrot", 2), HasSubstr("use 0 to 1"));
  EXPECT_THAT(error_of("max_unmap_lba_count", std::uint64_t{1} << 32), HasSubstr("not possible"));
  EXPECT_EQ(attributes.queue_depth, scsi::LuAttributes{}.queue_depth);
}

TEST_F(AttributesTest, UnmapNeedsAStoreThatCan) {
  EXPECT_THAT(error_of("emulate_tpu", 1), HasSubstr("cannot unmap"));
  EXPECT_EQ(error_of("emulate_tpu", 0), "");
  properties.can_unmap = true;
  EXPECT_EQ(error_of("emulate_tpu", 1), "");
  EXPECT_TRUE(attributes.emulate_tpu);
  EXPECT_THAT(error_of("unmap_zeroes_data", 1), HasSubstr("do not read as zero"));
}

TEST_F(AttributesTest, TheCacheCannotBeSetToALie) {
  properties.write_cache = true;
  EXPECT_EQ(error_of("emulate_write_cache", 0), "");
  EXPECT_FALSE(attributes.emulate_write_cache);
  EXPECT_EQ(error_of("emulate_write_cache", 1), "");
  EXPECT_TRUE(attributes.emulate_write_cache);
  EXPECT_THAT(error_of("emulate_write_cache", 2), HasSubstr("use 0 or 1"));
  properties.write_cache = false;
  EXPECT_THAT(error_of("emulate_write_cache", 1), HasSubstr("no volatile cache"));
}

// LIO saves 0 for every iblock and goes by the device.
TEST_F(AttributesTest, TheCacheOfABlockDeviceIsItsOwn) {
  properties.plugin = "iblock";
  for (const bool cached : {false, true}) {
    properties.write_cache = cached;
    EXPECT_EQ(error_of("emulate_write_cache", 0), "");
  }
  properties.write_cache = false;
  EXPECT_THAT(error_of("emulate_write_cache", 1), HasSubstr("queue/write_cache"));
}

TEST_F(AttributesTest, APassThroughUnitHasLiosFew) {
  properties.plugin = "pscsi";
  EXPECT_EQ(error_of("alua_support", 0), "");
  EXPECT_EQ(error_of("pgr_support", 0), "");
  EXPECT_THAT(error_of("pgr_support", 1), HasSubstr("is not served"));
  EXPECT_EQ(error_of("emulate_pr", 0), "");
  EXPECT_FALSE(attributes.emulate_pr);
  EXPECT_THAT(error_of("queue_depth", 64), HasSubstr("no such attribute"));
}

TEST_F(AttributesTest, ProtectionTypesAreThoseOfLio) {
  for (const std::uint64_t type : {0u, 1u, 3u}) EXPECT_EQ(error_of("pi_prot_type", type), "");
  for (const std::uint64_t type : {2u, 4u})
    EXPECT_THAT(error_of("pi_prot_type", type), HasSubstr("use 0, 1 or 3"));
  EXPECT_EQ(error_of("pi_prot_verify", 1), "");
  EXPECT_THAT(error_of("pi_prot_verify", 2), HasSubstr("use 0 or 1"));
  properties.plugin = "iblock";
  EXPECT_EQ(error_of("pi_prot_type", 0), "");
  EXPECT_THAT(error_of("pi_prot_type", 1), HasSubstr("keeps no protection information"));
}

TEST_F(AttributesTest, WhatIsNotServedIsAcceptedAtItsDefaultOnly) {
  EXPECT_EQ(error_of("pi_prot_format", 0), "");
  EXPECT_THAT(error_of("pi_prot_format", 1), HasSubstr("is not served"));
  EXPECT_EQ(error_of("emulate_3pc", 1), "");
  EXPECT_THAT(error_of("emulate_3pc", 0), HasSubstr("is not served"));
  EXPECT_THAT(error_of("no_such", 0), HasSubstr("no such attribute"));
}

}  // namespace
}  // namespace srpd::control
