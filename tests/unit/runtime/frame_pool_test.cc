#include "runtime/frame_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace srpd::runtime {
namespace {

TEST(FramePool, ReusesTheFrameReleasedLastOfTheSameClass) {
  FramePool pool;
  void* const a = pool.allocate(100);
  void* const b = pool.allocate(128);
  EXPECT_EQ(pool.live(), 2u);
  EXPECT_NE(a, b);
  pool.free(a, 100);
  pool.free(b, 128);
  EXPECT_EQ(pool.live(), 0u);
  EXPECT_EQ(pool.allocate(65), b);
  EXPECT_EQ(pool.allocate(128), a);
  void* const other = pool.allocate(64);
  EXPECT_NE(other, a);
  pool.free(a, 128);
  pool.free(b, 65);
  pool.free(other, 64);
}

TEST(FramePool, FramesAreAlignedAndWritable) {
  FramePool pool;
  for (const std::size_t size : {1u, 63u, 64u, 4095u, 4096u, 4097u, 100'000u}) {
    void* const frame = pool.allocate(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame) % alignof(std::max_align_t), 0u);
    std::memset(frame, 0x5a, size);
    pool.free(frame, size);
  }
  EXPECT_EQ(pool.live(), 0u);
}

}  // namespace
}  // namespace srpd::runtime
