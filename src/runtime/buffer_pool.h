// Data buffers of one loop: page aligned, size classes from 4 KiB to 1 MiB, bounded in total; who
// asks when all are out waits, in order and in turns. Nobody gets more than what he leaves free for
// others, so that a session that keeps its buffers cannot stop the rest. A command holds at most
// one buffer at a time, so waiting cannot deadlock. The memory is one mapping that the kernel fills
// on first use; what was released last is lent first, because it is still in the caches.
//
// An adapter knows memory by its pages: while there is a PageHolder, memory goes back to the kernel
// in whole chunks only, after the holder was told. Until then a chunk may keep pages that count
// neither as lent nor as cached.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/check.h"
#include "runtime/completion.h"

namespace srpd::runtime {

class BufferAccount;

/// Knows memory of a pool by its pages, as an adapter does that it is registered with.
class PageHolder {
 public:
  /// The pages of `memory`, one or more whole chunks, are about to go; nothing in it is lent. On
  /// the loop.
  virtual void release_pages(std::span<std::byte> memory) = 0;

 protected:
  ~PageHolder() = default;

 private:
  friend class BufferPool;
  PageHolder* next_ = nullptr;
};

/// A lent piece of memory. Trivially copyable: the holder gives it back with BufferPool::release().
struct Buffer {
  std::byte* data = nullptr;
  std::uint32_t size = 0;  ///< as asked
  std::uint8_t size_class = 0;
  BufferAccount* account = nullptr;  ///< for the pool

  explicit operator bool() const { return data != nullptr; }
  std::span<std::byte> bytes() const { return {data, size}; }
};

class BufferPool {
 public:
  static constexpr std::uint32_t smallest = 4096;
  static constexpr std::uint32_t largest = 1u << 20;
  /// Pages are given back in such pieces, aligned in range(), while there is a PageHolder.
  static constexpr std::uint32_t chunk = largest;

  struct Acquire : Completion {
    using Completion::Completion;
    std::uint32_t size = 0;            ///< in: 1 .. largest
    BufferAccount* account = nullptr;  ///< in: null where no share is kept
    Buffer buffer;                     ///< out
    Acquire* next = nullptr;
  };

  /// `bound`: most bytes lent at once (at least `largest`).
  explicit BufferPool(std::size_t bound);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// May complete inline. FIFO within an account, accounts take turns. Result 0.
  void acquire(Acquire& request);
  /// Never waits: an empty Buffer when nothing is free now.
  Buffer try_acquire(std::uint32_t size, BufferAccount* account = nullptr);
  void release(Buffer buffer);

  std::size_t lent_bytes() const;
  /// Memory held, lent or cached.
  std::size_t reserved_bytes() const;
  /// Gives cached memory back to the kernel; called when the loop has been idle for a while.
  void trim();
  /// Gives back cached memory that was not needed since the last call (a bounded part of it, so
  /// that the loop does not stall); called about once a second while the loop is busy.
  void age();
  /// Whether trim() would do anything.
  bool can_trim() const;

  /// Where every buffer lies; most of it without memory behind it.
  std::span<std::byte> range() const;
  /// From now on the pages of a chunk in which something is lent or cached stay until `holder` is
  /// told.
  void add_holder(PageHolder& holder);
  void remove_holder(PageHolder& holder);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whoever shall not get in the way of others: a session. What it holds may grow to what is free
/// besides; a first buffer it gets in any case. Lives until all is returned and nobody waits.
class BufferAccount {
 public:
  BufferAccount() = default;
  BufferAccount(const BufferAccount&) = delete;
  BufferAccount& operator=(const BufferAccount&) = delete;
  ~BufferAccount() { CHECK(lent_ == 0 && first_ == nullptr); }

  std::size_t lent_bytes() const { return lent_; }

 private:
  friend class BufferPool;
  std::size_t lent_ = 0;
  BufferPool::Acquire* first_ = nullptr;
  BufferPool::Acquire* last_ = nullptr;
  BufferAccount* next_ = nullptr;  // whose turn is after it, while somebody waits
};

}  // namespace srpd::runtime
