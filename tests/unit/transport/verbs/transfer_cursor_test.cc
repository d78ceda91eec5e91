#include "transport/verbs/transfer_cursor.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace srpd::transport::verbs {
namespace {

struct Step {
  std::uint64_t address;
  std::uint32_t key;
  std::vector<std::uint32_t> pieces;
  bool operator==(const Step&) const = default;
};

std::array<std::byte, 4096> memory;

// Every operation of the transfer; pieces never cross a multiple of `chunk` of the memory.
std::vector<Step> cut(std::vector<RemoteSegment> remote, std::uint64_t offset,
                      std::vector<iovec> local, std::uint32_t length, OperationLimits limits,
                      std::size_t chunk = 4096) {
  TransferCursor cursor(remote, offset, local, length);
  std::vector<Step> steps;
  std::size_t expected = 0;
  while (!cursor.done()) {
    std::array<ibv_sge, 16> pieces{};
    TransferCursor::Operation operation;
    EXPECT_TRUE(cursor.next(limits, pieces, operation,
                            [&](std::byte* at, std::uint32_t most, ibv_sge& piece) {
                              const auto place = static_cast<std::size_t>(at - memory.data());
                              const std::size_t left = chunk - place % chunk;
                              piece.addr = place;
                              piece.length = std::min(most, static_cast<std::uint32_t>(left));
                              piece.lkey = 7;
                              return true;
                            }));
    Step step{operation.address, operation.key, {}};
    std::uint32_t sum = 0;
    for (std::uint32_t i = 0; i < operation.pieces; ++i) {
      step.pieces.push_back(pieces[i].length);
      sum += pieces[i].length;
    }
    EXPECT_EQ(sum, operation.length);
    expected += sum;
    steps.push_back(step);
  }
  EXPECT_EQ(expected, length);
  return steps;
}

iovec piece(std::size_t at, std::size_t length) { return {memory.data() + at, length}; }

using Steps = std::vector<Step>;

TEST(TransferCursor, OneOperationWhereOneIsEnough) {
  EXPECT_EQ(cut({{1000, 5, 300}}, 0, {piece(0, 300)}, 300, {8}), (Steps{{1000, 5, {300}}}));
  EXPECT_EQ(cut({{1000, 5, 300}}, 100, {piece(0, 300)}, 150, {8}), (Steps{{1100, 5, {150}}}));
}

TEST(TransferCursor, GathersLocalPieces) {
  EXPECT_EQ(cut({{1000, 5, 300}}, 0, {piece(0, 100), piece(200, 0), piece(300, 200)}, 300, {8}),
            (Steps{{1000, 5, {100, 200}}}));
}

TEST(TransferCursor, HonoursTheNumberOfPieces) {
  EXPECT_EQ(cut({{1000, 5, 60}}, 0, {piece(0, 10), piece(20, 20), piece(50, 30)}, 60, {1}),
            (Steps{{1000, 5, {10}}, {1010, 5, {20}}, {1030, 5, {30}}}));
  EXPECT_EQ(cut({{1000, 5, 60}}, 0, {piece(0, 10), piece(20, 20), piece(50, 30)}, 60, {2}),
            (Steps{{1000, 5, {10, 20}}, {1030, 5, {30}}}));
}

TEST(TransferCursor, OneRemoteSegmentPerOperation) {
  EXPECT_EQ(cut({{1000, 5, 100}, {0, 9, 0}, {5000, 6, 50}}, 0, {piece(0, 150)}, 150, {8}),
            (Steps{{1000, 5, {100}}, {5000, 6, {50}}}));
}

TEST(TransferCursor, BeginsInsideALaterSegment) {
  EXPECT_EQ(cut({{1000, 5, 100}, {5000, 6, 50}, {7000, 8, 10}}, 120, {piece(0, 40)}, 40, {8}),
            (Steps{{5020, 6, {30}}, {7000, 8, {10}}}));
}

TEST(TransferCursor, HonoursTheLongestMessage) {
  EXPECT_EQ(cut({{1000, 5, 300}}, 0, {piece(0, 300)}, 300, {8, 128}),
            (Steps{{1000, 5, {128}}, {1128, 5, {128}}, {1256, 5, {44}}}));
}

TEST(TransferCursor, CutsWhereARegistrationEnds) {
  EXPECT_EQ(cut({{1000, 5, 300}}, 0, {piece(900, 300)}, 300, {8}, 1024),
            (Steps{{1000, 5, {124, 176}}}));
  EXPECT_EQ(cut({{1000, 5, 300}}, 0, {piece(900, 300)}, 300, {1}, 1024),
            (Steps{{1000, 5, {124}}, {1124, 5, {176}}}));
}

TEST(TransferCursor, LeavesTheRestOfLongerListsAlone) {
  EXPECT_EQ(cut({{1000, 5, 300}, {5000, 6, 50}}, 0, {piece(0, 300), piece(400, 10)}, 20, {8}),
            (Steps{{1000, 5, {20}}}));
}

TEST(TransferCursor, SaysWhenMemoryCannotBeDescribed) {
  const RemoteSegment remote{1000, 5, 300};
  const iovec local = piece(0, 300);
  TransferCursor cursor({&remote, 1}, 0, {&local, 1}, 300);
  std::array<ibv_sge, 1> pieces{};
  TransferCursor::Operation operation;
  EXPECT_FALSE(cursor.next({1}, pieces, operation,
                           [](std::byte*, std::uint32_t, ibv_sge&) { return false; }));
}

}  // namespace
}  // namespace srpd::transport::verbs
