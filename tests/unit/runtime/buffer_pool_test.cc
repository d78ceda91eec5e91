#include "runtime/buffer_pool.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace srpd::runtime {
namespace {

constexpr std::size_t mib = 1u << 20;

struct Waiter : BufferPool::Acquire {
  Waiter(std::uint32_t bytes, std::vector<int>& order_, int number_)
      : Acquire([](Completion& self) {
          auto& waiter = static_cast<Waiter&>(self);
          waiter.order->push_back(waiter.number);
        }),
        order(&order_),
        number(number_) {
    size = bytes;
  }
  std::vector<int>* order;
  int number;
};

std::size_t resident_bytes(const Buffer& buffer, std::size_t bytes) {
  std::vector<unsigned char> pages((bytes + 4095) / 4096);
  EXPECT_EQ(::mincore(buffer.data, bytes, pages.data()), 0);
  std::size_t resident = 0;
  for (const unsigned char page : pages) resident += (page & 1) * 4096u;
  return resident;
}

TEST(BufferPool, BuffersArePageAlignedDisjointAndOfTheAskedSize) {
  BufferPool pool(8 * mib);
  std::vector<Buffer> buffers;
  for (const std::uint32_t size : {1u, 4096u, 4097u, 8192u, 65536u, 65537u, 1048576u}) {
    const Buffer buffer = pool.try_acquire(size);
    ASSERT_TRUE(buffer);
    EXPECT_EQ(buffer.bytes().size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data) % 4096, 0u);
    std::memset(buffer.data, static_cast<int>(buffers.size()), size);
    buffers.push_back(buffer);
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    for (const std::byte b : buffers[i].bytes())
      ASSERT_EQ(b, std::byte{static_cast<std::uint8_t>(i)});
    pool.release(buffers[i]);
  }
  EXPECT_EQ(pool.lent_bytes(), 0u);
}

TEST(BufferPool, LendsWhatWasReleasedLast) {
  BufferPool pool(mib);
  const Buffer a = pool.try_acquire(4096);
  const Buffer b = pool.try_acquire(4096);
  pool.release(b);
  pool.release(a);
  const Buffer again = pool.try_acquire(100);
  EXPECT_EQ(again.data, a.data);
  pool.release(again);
}

TEST(BufferPool, ReleaseOfAForeignBufferIsCaught) {
  BufferPool pool(mib);
  std::byte elsewhere[4096];
  EXPECT_DEATH(pool.release({.data = elsewhere, .size = 4096, .size_class = 0}), "CHECK failed");
  const Buffer a = pool.try_acquire(4096);
  EXPECT_DEATH(pool.release({.data = a.data + 4096, .size = 4096, .size_class = 0}),
               "CHECK failed");
  pool.release(a);
}

TEST(BufferPool, WhoWaitsIsServedInOrderAndNobodyOvertakes) {
  BufferPool pool(mib);
  std::vector<int> order;
  const Buffer half = pool.try_acquire(mib / 2);
  const Buffer other_half = pool.try_acquire(mib / 2);
  Waiter large(mib, order, 1);
  Waiter small(4096, order, 2);
  pool.acquire(large);
  pool.release(half);
  EXPECT_FALSE(pool.try_acquire(4096)) << "would overtake the large one";
  pool.acquire(small);
  EXPECT_TRUE(order.empty());
  pool.release(other_half);
  EXPECT_EQ(order, (std::vector{1}));
  EXPECT_TRUE(large.buffer);
  pool.release(large.buffer);
  EXPECT_EQ(order, (std::vector{1, 2}));
  EXPECT_EQ(small.result(), 0);
  pool.release(small.buffer);
}

TEST(BufferPool, ManyWaitersThatReleaseAtOnceDoNotRecurse) {
  BufferPool pool(mib);
  struct Greedy : BufferPool::Acquire {
    Greedy()
        : Acquire([](Completion& self) {
            auto& me = static_cast<Greedy&>(self);
            ++*me.depth;
            *me.deepest = std::max(*me.deepest, *me.depth);
            me.pool->release(me.buffer);
            --*me.depth;
          }) {}
    BufferPool* pool = nullptr;
    int* depth = nullptr;
    int* deepest = nullptr;
  };
  int depth = 0;
  int deepest = 0;
  const Buffer all = pool.try_acquire(mib);
  std::vector<std::unique_ptr<Greedy>> waiters;
  for (int i = 0; i < 1000; ++i) {
    auto& waiter = *waiters.emplace_back(std::make_unique<Greedy>());
    waiter.pool = &pool;
    waiter.depth = &depth;
    waiter.deepest = &deepest;
    waiter.size = mib;
    pool.acquire(waiter);
  }
  pool.release(all);
  for (const auto& waiter : waiters) EXPECT_TRUE(waiter->done());
  EXPECT_EQ(deepest, 1);
  EXPECT_EQ(pool.lent_bytes(), 0u);
}

TEST(BufferPool, WhatIsHeldStaysWithinTheBoundAcrossClasses) {
  BufferPool pool(2 * mib);
  for (std::uint32_t size = BufferPool::smallest; size <= BufferPool::largest; size *= 2) {
    std::vector<Buffer> buffers;
    while (const Buffer buffer = pool.try_acquire(size)) {
      std::memset(buffer.data, 1, size);
      buffers.push_back(buffer);
    }
    EXPECT_EQ(buffers.size() * size, 2 * mib);
    EXPECT_LE(pool.reserved_bytes(), 2 * mib);
    for (const Buffer& buffer : buffers) pool.release(buffer);
    EXPECT_LE(pool.reserved_bytes(), 2 * mib);
  }
}

TEST(BufferPool, AnAccountLeavesAsMuchAsItHolds) {
  BufferPool pool(8 * mib);
  BufferAccount greedy, other;
  std::vector<Buffer> buffers;
  while (const Buffer buffer = pool.try_acquire(mib, &greedy)) buffers.push_back(buffer);
  EXPECT_EQ(greedy.lent_bytes(), 4 * mib);
  std::vector<int> order;
  Waiter more(mib, order, 1), newcomer(mib, order, 2);
  more.account = &greedy;
  newcomer.account = &other;
  pool.acquire(more);
  EXPECT_FALSE(more.done());
  pool.acquire(newcomer);
  EXPECT_TRUE(newcomer.done()) << "who waits for his share keeps nobody waiting";
  pool.release(newcomer.buffer);
  EXPECT_FALSE(more.done());
  pool.release(buffers.back());
  buffers.pop_back();
  EXPECT_TRUE(more.done());
  pool.release(more.buffer);
  for (const Buffer& buffer : buffers) pool.release(buffer);
  EXPECT_EQ(greedy.lent_bytes(), 0u);
}

TEST(BufferPool, AccountsTakeTurnsAndEachGetsItsFirst) {
  BufferPool pool(2 * mib);
  BufferAccount greedy, other;
  const Buffer a = pool.try_acquire(mib, &greedy);
  const Buffer b = pool.try_acquire(mib);
  std::vector<int> order;
  Waiter first(mib, order, 1), second(mib, order, 2), third(mib, order, 3);
  first.account = second.account = &greedy;
  third.account = &other;
  pool.acquire(first);
  pool.acquire(second);
  pool.acquire(third);
  pool.release(b);
  EXPECT_EQ(order, std::vector<int>({3})) << "the greedy one has one already";
  pool.release(a);
  EXPECT_EQ(order, std::vector<int>({3, 1}));
  pool.release(third.buffer);
  EXPECT_EQ(order, std::vector<int>({3, 1})) << "a second one would leave nothing";
  pool.release(first.buffer);
  EXPECT_EQ(order, std::vector<int>({3, 1, 2}));
  pool.release(second.buffer);
  EXPECT_EQ(pool.lent_bytes(), 0u);
}

TEST(BufferPool, TrimGivesTheMemoryBack) {
  BufferPool pool(2 * mib);
  const Buffer buffer = pool.try_acquire(mib);
  EXPECT_EQ(resident_bytes(buffer, mib), 0u) << "filled only when used";
  std::memset(buffer.data, 1, mib);
  EXPECT_EQ(resident_bytes(buffer, mib), mib);
  pool.trim();
  EXPECT_EQ(resident_bytes(buffer, mib), mib) << "lent memory stays";
  pool.release(buffer);
  EXPECT_EQ(pool.reserved_bytes(), mib);
  pool.trim();
  EXPECT_EQ(pool.reserved_bytes(), 0u);
  EXPECT_EQ(resident_bytes(buffer, mib), 0u);
  const Buffer again = pool.try_acquire(mib);
  EXPECT_EQ(again.data, buffer.data);
  pool.release(again);
}

TEST(BufferPool, AgeKeepsWhatWasNeededSinceTheLastTime) {
  BufferPool pool(2 * mib);
  const Buffer a = pool.try_acquire(4096);
  const Buffer b = pool.try_acquire(4096);
  const Buffer c = pool.try_acquire(4096);
  pool.release(c);
  pool.release(b);
  pool.release(a);
  pool.age();
  EXPECT_EQ(pool.reserved_bytes(), 3 * 4096u) << "all were lent since the pool was made";
  pool.release(pool.try_acquire(4096));
  pool.age();
  EXPECT_EQ(pool.reserved_bytes(), 4096u) << "only one of three was needed";
  const Buffer kept = pool.try_acquire(4096);
  EXPECT_EQ(kept.data, a.data);
  pool.release(kept);
}

struct Holder : PageHolder {
  void release_pages(std::span<std::byte> memory) override { released.push_back(memory); }
  std::vector<std::span<std::byte>> released;
};

// Where somebody knows memory by its pages, a chunk keeps them as long as one buffer is in use.
TEST(BufferPool, GivesWholeChunksBackOnceTheirHolderKnows) {
  BufferPool pool(2 * mib);
  Holder holder;
  pool.add_holder(holder);
  const Buffer a = pool.try_acquire(4096);
  const Buffer b = pool.try_acquire(4096);
  const Buffer c = pool.try_acquire(4096);
  for (const Buffer& buffer : {a, b, c}) std::memset(buffer.data, 1, 4096);
  pool.release(a);
  pool.release(b);
  pool.trim();
  EXPECT_TRUE(holder.released.empty());
  EXPECT_EQ(resident_bytes(a, 4096), 4096u) << "c lies in the same chunk";
  pool.release(c);
  pool.trim();
  EXPECT_TRUE(holder.released.empty()) << "the buffer that is needed first stays";
  EXPECT_FALSE(pool.can_trim());
  // Room for something else: the chunk goes as a whole.
  const Buffer whole = pool.try_acquire(mib);
  const Buffer other = pool.try_acquire(mib);
  ASSERT_EQ(holder.released.size(), 1u);
  EXPECT_EQ(holder.released[0].size(), BufferPool::chunk);
  EXPECT_EQ((holder.released[0].data() - pool.range().data()) % BufferPool::chunk, 0);
  EXPECT_LE(holder.released[0].data(), a.data);
  EXPECT_LT(c.data, holder.released[0].data() + BufferPool::chunk);
  EXPECT_EQ(resident_bytes(c, 4096), 0u);
  pool.release(whole);
  pool.release(other);
  pool.remove_holder(holder);
}

TEST(BufferPool, GivesPagesBackOneByOneWhenNobodyHoldsThemAnyMore) {
  BufferPool pool(2 * mib);
  Holder holder;
  pool.add_holder(holder);
  const Buffer a = pool.try_acquire(4096);
  const Buffer b = pool.try_acquire(4096);
  std::memset(a.data, 1, 4096);
  std::memset(b.data, 1, 4096);
  pool.release(a);
  pool.trim();
  pool.release(b);
  pool.trim();
  EXPECT_EQ(resident_bytes(a, 4096), 4096u);
  pool.remove_holder(holder);
  EXPECT_EQ(resident_bytes(a, 4096), 0u);
  pool.trim();
  EXPECT_EQ(resident_bytes(b, 4096), 0u);
  EXPECT_TRUE(holder.released.empty());
}

}  // namespace
}  // namespace srpd::runtime
