#include "store/cursor.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace srpd::store {
namespace {

TEST(Cursor, HandsOutEverythingAtOnce) {
  char memory[30];
  const std::array<iovec, 3> pieces{iovec{memory, 10}, iovec{memory + 10, 0},
                                    iovec{memory + 10, 20}};
  Cursor cursor(pieces);
  EXPECT_EQ(cursor.next().size(), 3u);
  cursor.advance(30);
  EXPECT_TRUE(cursor.at_end());
  EXPECT_EQ(cursor.done(), 30u);
}

TEST(Cursor, ContinuesInsideAPiece) {
  char memory[30];
  const std::array<iovec, 3> pieces{iovec{memory, 10}, iovec{memory + 10, 15},
                                    iovec{memory + 25, 5}};
  for (std::size_t step = 1; step <= 30; ++step) {
    Cursor cursor(pieces);
    std::uint64_t expected = 0;
    while (!cursor.at_end()) {
      const auto next = cursor.next();
      ASSERT_EQ(next.front().iov_base, memory + expected);
      std::size_t there = 0;
      for (const iovec& piece : next) there += piece.iov_len;
      ASSERT_LE(expected + there, 30u);
      const std::size_t moved = std::min(step, there);
      cursor.advance(moved);
      expected += moved;
    }
    EXPECT_EQ(expected, 30u);
  }
}

TEST(Cursor, NothingIsAtItsEnd) {
  EXPECT_TRUE(Cursor(std::span<const iovec>()).at_end());
  const iovec empty{nullptr, 0};
  EXPECT_TRUE(Cursor(std::span(&empty, 1)).at_end());
}

TEST(Cursor, NeverMoreThanTheKernelTakes) {
  std::vector<char> memory(5000);
  std::vector<iovec> pieces;
  for (char& c : memory) pieces.push_back({&c, 1});
  Cursor cursor(pieces);
  EXPECT_EQ(cursor.next().size(), static_cast<std::size_t>(IOV_MAX));
}

}  // namespace
}  // namespace srpd::store
