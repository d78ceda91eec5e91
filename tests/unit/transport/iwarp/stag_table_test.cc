#include "transport/iwarp/stag_table.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace srpd::transport::iwarp {
namespace {

using Refusal = StagTable::Refusal;

TEST(StagTable, FindsExactlyWhatIsExposed) {
  StagTable table;
  std::array<std::byte, 100> memory{};
  const auto remote = table.expose(memory, Access::both);
  EXPECT_NE(remote.key, 0u);
  const auto found = table.find(remote.key, remote.address + 10, 90, Access::remote_write);
  EXPECT_EQ(found.refusal, Refusal::none);
  EXPECT_EQ(found.memory.data(), memory.data() + 10);
  EXPECT_EQ(found.memory.size(), 90u);
  EXPECT_EQ(table.find(remote.key, 10, 91, Access::remote_write).refusal, Refusal::bounds);
  EXPECT_EQ(table.find(remote.key, 101, 0, Access::remote_write).refusal, Refusal::bounds);
  EXPECT_EQ(table.find(remote.key, UINT64_MAX, 2, Access::remote_write).refusal, Refusal::wrap);
  EXPECT_EQ(table.find(remote.key ^ 1, 0, 1, Access::remote_write).refusal, Refusal::invalid_stag);
  EXPECT_EQ(table.find(0, 0, 1, Access::remote_write).refusal, Refusal::invalid_stag);
  EXPECT_EQ(table.find(UINT32_MAX, 0, 1, Access::remote_read).refusal, Refusal::invalid_stag);
}

TEST(StagTable, HoldsToAccess) {
  StagTable table;
  std::array<std::byte, 10> memory{};
  const auto read = table.expose(memory, Access::remote_read);
  const auto write = table.expose(memory, Access::remote_write);
  EXPECT_EQ(table.find(read.key, 0, 1, Access::remote_write).refusal, Refusal::access);
  EXPECT_EQ(table.find(write.key, 0, 1, Access::remote_read).refusal, Refusal::access);
  EXPECT_EQ(table.find(read.key, 0, 1, Access::remote_read).refusal, Refusal::none);
}

TEST(StagTable, KeysAreNotReusedSoon) {
  StagTable table;
  std::array<std::byte, 10> memory{};
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 255; ++i) {
    const auto remote = table.expose(memory, Access::both);
    EXPECT_TRUE(seen.insert(remote.key).second);
    EXPECT_TRUE(table.withdraw(remote.key));
    EXPECT_FALSE(table.withdraw(remote.key));
    EXPECT_EQ(table.find(remote.key, 0, 1, Access::both).refusal, Refusal::invalid_stag);
  }
  EXPECT_EQ(table.exposed(), 0u);
}

TEST(StagTable, InvalidatedStaysTakenUntilWithdrawn) {
  StagTable table;
  std::array<std::byte, 10> memory{};
  const auto remote = table.expose(memory, Access::both);
  EXPECT_TRUE(table.invalidate(remote.key));
  EXPECT_FALSE(table.invalidate(remote.key));
  EXPECT_EQ(table.find(remote.key, 0, 1, Access::both).refusal, Refusal::invalid_stag);
  EXPECT_EQ(table.exposed(), 1u);
  EXPECT_TRUE(table.withdraw(remote.key));
  EXPECT_EQ(table.exposed(), 0u);
}

}  // namespace
}  // namespace srpd::transport::iwarp
