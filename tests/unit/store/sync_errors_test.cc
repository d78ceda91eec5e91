#include "store/sync_errors.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace srpd::store {
namespace {

TEST(SyncErrors, GoodIsGood) {
  SyncErrors errors;
  EXPECT_EQ(errors.answer(errors.begin(), 0, true), 0);
  EXPECT_EQ(errors.answer(errors.begin(), 0, false), 0);
}

TEST(SyncErrors, AFlushReportsItsOwnFailureOnce) {
  SyncErrors errors;
  EXPECT_EQ(errors.answer(errors.begin(), -EIO, true), -EIO);
  EXPECT_EQ(errors.answer(errors.begin(), 0, true), 0);
  EXPECT_EQ(errors.failures(), 1u);
}

TEST(SyncErrors, EveryFlushUnderWayReportsIt) {
  SyncErrors errors;
  const auto first = errors.begin();
  const auto second = errors.begin();
  const auto fua = errors.begin();
  EXPECT_EQ(errors.answer(first, -EIO, true), -EIO);
  EXPECT_EQ(errors.answer(second, 0, true), -EIO);
  EXPECT_EQ(errors.answer(fua, 0, false), -EIO);
  EXPECT_EQ(errors.answer(errors.begin(), 0, true), 0);
}

TEST(SyncErrors, AFailedFuaWriteLeavesItToTheNextFlush) {
  SyncErrors errors;
  EXPECT_EQ(errors.answer(errors.begin(), -ENOSPC, false), -ENOSPC);
  EXPECT_EQ(errors.answer(errors.begin(), 0, false), -ENOSPC);
  EXPECT_EQ(errors.answer(errors.begin(), 0, true), -ENOSPC);
  EXPECT_EQ(errors.answer(errors.begin(), 0, true), 0);
}

}  // namespace
}  // namespace srpd::store
