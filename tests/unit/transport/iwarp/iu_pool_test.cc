#include "transport/iwarp/iu_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace srpd::transport::iwarp {
namespace {

TEST(IuPool, ImmediateDataStartsOnAPage) {
  IuPool pool;
  std::vector<Iu*> held;
  for (const std::uint32_t size : {449u, 4164u, 8260u, 8261u, 65604u, 100'000u}) {
    for (int i = 0; i < 3; ++i) {
      Iu* const iu = pool.take(size);
      ASSERT_NE(iu, nullptr);
      EXPECT_EQ((reinterpret_cast<std::uintptr_t>(iu->data) + 68) % 4096, 0u) << size;
      std::memset(iu->data, static_cast<int>(held.size()), size);
      held.push_back(iu);
    }
  }
  for (Iu* iu : held) IuPool::release(*iu);
  EXPECT_EQ(pool.lent(), 0u);
}

TEST(IuPool, BuffersDoNotOverlap) {
  IuPool pool;
  std::vector<Iu*> held;
  for (int i = 0; i < 200; ++i) {
    const std::uint32_t size = i % 2 == 0 ? IuPool::small_capacity : 8260;
    Iu* const iu = pool.take(size);
    iu->length = size;
    std::memset(iu->data, i, size);
    held.push_back(iu);
  }
  EXPECT_EQ(pool.lent(), 200u);
  for (int i = 0; i < 200; ++i) {
    for (const std::byte byte : held[static_cast<std::size_t>(i)]->bytes())
      ASSERT_EQ(byte, static_cast<std::byte>(i));
    IuPool::release(*held[static_cast<std::size_t>(i)]);
  }
}

TEST(IuPool, GivesIdleChunksBackAndKeepsBusyOnes) {
  IuPool pool;
  Iu* const kept = pool.take(64);
  std::vector<Iu*> held;
  for (int i = 0; i < 1000; ++i) held.push_back(pool.take(8260));
  const std::size_t grown = pool.reserved_bytes();
  for (Iu* iu : held) IuPool::release(*iu);
  EXPECT_TRUE(pool.trim());  // empty for the first time: may be needed again at once
  EXPECT_EQ(pool.reserved_bytes(), grown);
  EXPECT_FALSE(pool.trim());
  EXPECT_LE(pool.reserved_bytes(), 32768u);
  IuPool::release(*kept);
  pool.trim();
  pool.trim();
  EXPECT_EQ(pool.reserved_bytes(), 0u);
}

}  // namespace
}  // namespace srpd::transport::iwarp
