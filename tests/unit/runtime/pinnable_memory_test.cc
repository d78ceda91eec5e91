#include "runtime/pinnable_memory.h"

#include <gtest/gtest.h>

namespace srpd::runtime {
namespace {

constexpr std::size_t chunk = PinnableMemory::chunk;
constexpr std::size_t size = 2 * chunk + 8192;

class PinnableMemoryTest : public ::testing::Test {
 protected:
  PinnableMemoryTest() : memory_({map(), size}) { memory_.bytes()[chunk] = std::byte{1}; }
  ~PinnableMemoryTest() override { ::munmap(memory_.bytes().data(), size); }

  static std::byte* map() {
    return static_cast<std::byte*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  }

  PinnableMemory memory_;
};

TEST_F(PinnableMemoryTest, GivesPagesBackWhichThenReadAsZero) {
  EXPECT_TRUE(memory_.give_back(chunk, 4096));
  EXPECT_EQ(memory_.bytes()[chunk], std::byte{0});
  EXPECT_TRUE(memory_.give_back(0, 0));
}

TEST_F(PinnableMemoryTest, KeepsWhatIsPinned) {
  const auto pinned = memory_.pin(chunk + 5000);
  EXPECT_EQ(pinned.data(), memory_.bytes().data() + chunk);
  EXPECT_EQ(pinned.size(), chunk);
  EXPECT_FALSE(memory_.give_back(chunk, 4096));
  EXPECT_EQ(memory_.bytes()[chunk], std::byte{1});
}

// Any part of it, from either side.
TEST_F(PinnableMemoryTest, KeepsAllThatReachesIntoIt) {
  memory_.pin(chunk);
  EXPECT_FALSE(memory_.give_back(chunk - 4096, 8192));
  EXPECT_FALSE(memory_.give_back(2 * chunk - 4096, 8192));
  EXPECT_TRUE(memory_.give_back(chunk - 4096, 4096));
  EXPECT_TRUE(memory_.give_back(2 * chunk, 4096));
}

TEST_F(PinnableMemoryTest, TheLastChunkMayBeShort) {
  EXPECT_EQ(memory_.pin(size - 1).size(), 8192u);
}

// Pieces of what was there keep their ends.
TEST_F(PinnableMemoryTest, GrowsByMemoriesOfTheirOwn) {
  EXPECT_EQ(memory_.next(), nullptr);
  std::byte* const more = map();
  PinnableMemory& grown = memory_.grow({more, size});
  EXPECT_EQ(memory_.next(), &grown);
  EXPECT_EQ(grown.next(), nullptr);
  EXPECT_EQ(memory_.pin(size - 1).size(), 8192u);
  EXPECT_EQ(grown.pin(0).data(), more);
  EXPECT_FALSE(grown.give_back(0, 4096));
  EXPECT_TRUE(memory_.give_back(0, 4096)) << "each knows its own";
  ::munmap(more, size);
}

}  // namespace
}  // namespace srpd::runtime
