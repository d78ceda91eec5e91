#include <gtest/gtest.h>

#include "runtime/uring_loop.h"

namespace srpd::runtime {
namespace {

int tried(CachedReads& reads, bool hit, int times) {
  int count = 0;
  for (int i = 0; i < times; ++i) {
    if (!reads.worth_trying()) continue;
    ++count;
    reads.note(hit);
  }
  return count;
}

TEST(CachedReads, TriesWhileItHitsAndSeldomOtherwise) {
  CachedReads reads;
  EXPECT_EQ(tried(reads, true, 1000), 1000);
  EXPECT_LE(tried(reads, false, 1000), 4 + 1000 / 64 + 1);
  EXPECT_GT(tried(reads, false, 1000), 0) << "it asks now and then whether that has changed";
  tried(reads, true, 64);
  EXPECT_EQ(tried(reads, true, 1000), 1000);
}

}  // namespace
}  // namespace srpd::runtime
