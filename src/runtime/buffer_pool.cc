// Every size class has an address range of its own, as large as the bound of the whole pool:
// address space is free, and so memory never has to be moved from one class to another in pieces.
// What is held in memory (lent or cached) stays within the bound: a class that grows takes it from
// what others have cached.
#include "runtime/buffer_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <vector>

#include "base/check.h"
#include "runtime/sanitizer.h"

namespace srpd::runtime {
namespace {

constexpr std::size_t classes = 9;  // 4 KiB << 0 .. 8
static_assert(BufferPool::smallest << (classes - 1) == BufferPool::largest);

constexpr std::size_t class_of(std::uint32_t size) {
  const auto units = (std::size_t{size} + BufferPool::smallest - 1) / BufferPool::smallest;
  return static_cast<std::size_t>(std::bit_width(units - 1));
}
static_assert(class_of(1) == 0 && class_of(4096) == 0 && class_of(4097) == 1 &&
              class_of(BufferPool::largest) == classes - 1);

constexpr std::size_t bytes_of(std::size_t index) {
  return std::size_t{BufferPool::smallest} << index;
}

struct SizeClass {
  std::byte* base = nullptr;
  std::uint32_t untouched = 0;  // buffers from here on were never lent
  // Free buffers; the last one released is the last in `free`. The first `cold` of them have no
  // memory behind them.
  std::vector<std::uint32_t> free;
  std::size_t cold = 0;
  std::size_t least_warm = 0;  // smallest number of cached ones since age()

  std::size_t warm() const { return free.size() - cold; }
};

}  // namespace

struct BufferPool::Impl {
  explicit Impl(std::size_t bytes)
      : bound(bytes), range((bytes + largest - 1) / largest * largest) {
    CHECK(bound >= largest);
    void* const mapped = ::mmap(nullptr, range * classes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(mapped != MAP_FAILED);
    // Huge pages would be filled whole for the first 4 KiB used.
    ::madvise(mapped, range * classes, MADV_NOHUGEPAGE);
    base = static_cast<std::byte*>(mapped);
    in_use.resize(range * classes / chunk);
    for (std::size_t i = 0; i < classes; ++i) {
      by_size[i].base = base + i * range;
      by_size[i].free.reserve(64);
    }
  }

  ~Impl() {
    for (std::size_t i = 0; i < classes; ++i) {
      unpoison(by_size[i].base, by_size[i].untouched * bytes_of(i));
    }
    ::munmap(base, range * classes);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // The dynamic threshold of shared-memory switches (Choudhury and Hahne): as much as stays free.
  bool within_share(const BufferAccount& account, std::size_t bytes) const {
    return &account == &common || account.lent_ == 0 || account.lent_ + 2 * bytes <= bound - lent;
  }

  // Whoever waits for room comes first, or large requests would starve.
  bool may_take(const BufferAccount& account, std::uint32_t size) const {
    return !room_awaited && account.first_ == nullptr &&
           within_share(account, bytes_of(class_of(size)));
  }

  Buffer lend(std::uint32_t size, BufferAccount& account) {
    const std::size_t index = class_of(size);
    const std::size_t bytes = bytes_of(index);
    if (lent + bytes > bound) return {};
    std::byte* const data = take(index, bytes);
    lent += bytes;
    account.lent_ += bytes;
    unpoison(data, size);
    return {.data = data,
            .size = size,
            .size_class = static_cast<std::uint8_t>(index),
            .account = &account};
  }

  std::byte* take(std::size_t index, std::size_t bytes) {
    SizeClass& size_class = by_size[index];
    std::uint32_t number = 0;
    if (size_class.warm() > 0) {
      cached -= bytes;
      number = size_class.free.back();
      size_class.free.pop_back();
      size_class.least_warm = std::min(size_class.least_warm, size_class.warm());
    } else {
      make_room(bytes);
      if (!size_class.free.empty()) {
        number = size_class.free.back();
        size_class.free.pop_back();
        --size_class.cold;
      } else {
        number = size_class.untouched++;
      }
      ++in_use[chunk_of(size_class.base + number * bytes)];
    }
    return size_class.base + number * bytes;
  }

  // Cached memory of other classes goes so that `bytes` more stay within the bound.
  void make_room(std::size_t bytes) {
    for (std::size_t i = classes; i-- > 0 && lent + cached + bytes > bound;) {
      while (by_size[i].warm() > 0 && lent + cached + bytes > bound) cool_oldest(i);
    }
  }

  void cool_oldest(std::size_t index) {
    SizeClass& size_class = by_size[index];
    const std::size_t bytes = bytes_of(index);
    std::byte* const data = size_class.base + size_class.free[size_class.cold] * bytes;
    ++size_class.cold;
    cached -= bytes;
    size_class.least_warm = std::min(size_class.least_warm, size_class.warm());
    const std::size_t index_of_chunk = chunk_of(data);
    const bool last = --in_use[index_of_chunk] == 0;
    if (holders == nullptr) {
      ::madvise(data, bytes, MADV_DONTNEED);
    } else if (last) {
      give_pages_back({base + index_of_chunk * chunk, chunk});
    }
  }

  std::size_t chunk_of(const std::byte* data) const {
    return static_cast<std::size_t>(data - base) / chunk;
  }

  void give_pages_back(std::span<std::byte> memory) {
    for (PageHolder* holder = holders; holder != nullptr;) {
      PageHolder* const next = holder->next_;
      holder->release_pages(memory);
      holder = next;
    }
    ::madvise(memory.data(), memory.size(), MADV_DONTNEED);
  }

  // What was not given back for the sake of a holder.
  void drop_cold_pages() {
    for (std::size_t i = 0; i < classes; ++i) {
      const SizeClass& size_class = by_size[i];
      for (std::size_t at = 0; at < size_class.cold; ++at)
        ::madvise(size_class.base + size_class.free[at] * bytes_of(i), bytes_of(i), MADV_DONTNEED);
    }
  }

  // With a holder the buffer that is needed first stays: registering memory anew after every pause
  // would cost more than it takes.
  std::size_t kept_by_trim() const { return holders == nullptr ? 0 : 1; }

  void give_back(Buffer buffer) {
    CHECK(buffer.size_class < classes);
    SizeClass& size_class = by_size[buffer.size_class];
    const std::size_t bytes = bytes_of(buffer.size_class);
    const auto offset = static_cast<std::size_t>(buffer.data - size_class.base);
    CHECK(buffer.data >= size_class.base && offset % bytes == 0 &&
          offset / bytes < size_class.untouched && lent >= bytes);
    poison(buffer.data, bytes);
    size_class.free.push_back(static_cast<std::uint32_t>(offset / bytes));
    lent -= bytes;
    buffer.account->lent_ -= bytes;
    cached += bytes;
  }

  void wait(Acquire& request, BufferAccount& account) {
    request.next = nullptr;
    if (account.first_ == nullptr) {
      account.first_ = &request;
      add_turn(account);
    } else {
      account.last_->next = &request;
    }
    account.last_ = &request;
  }

  void add_turn(BufferAccount& account) {
    account.next_ = nullptr;
    (last_turn != nullptr ? last_turn->next_ : first_turn) = &account;
    last_turn = &account;
    ++turns;
  }

  BufferAccount& take_turn() {
    BufferAccount& account = *first_turn;
    first_turn = account.next_;
    if (first_turn == nullptr) last_turn = nullptr;
    --turns;
    return account;
  }

  // Goes round until nobody can be served, or who is first has to wait for room.
  void grant_waiters() {
    // A waiter that is served may release at once; the outermost call goes on with the next.
    if (granting) return;
    granting = true;
    room_awaited = false;
    std::size_t passed_over = 0;
    while (passed_over < turns && !room_awaited) {
      BufferAccount& account = *first_turn;
      if (within_share(account, bytes_of(class_of(account.first_->size)))) {
        passed_over = 0;
        serve(account);
      } else {
        ++passed_over;
        add_turn(take_turn());
      }
    }
    granting = false;
  }

  void serve(BufferAccount& account) {
    Acquire& request = *account.first_;
    const Buffer buffer = lend(request.size, account);
    if (!buffer) {
      room_awaited = true;
      return;
    }
    account.first_ = request.next;
    take_turn();
    if (account.first_ != nullptr) add_turn(account);
    request.buffer = buffer;
    request.complete(0);
  }

  std::size_t bound;
  std::size_t range;
  std::byte* base = nullptr;
  std::array<SizeClass, classes> by_size;
  std::vector<std::uint16_t> in_use;  // lent and cached buffers of each chunk
  PageHolder* holders = nullptr;
  std::size_t lent = 0;
  std::size_t cached = 0;
  BufferAccount common;  // of requests without one
  BufferAccount* first_turn = nullptr;
  BufferAccount* last_turn = nullptr;
  std::size_t turns = 0;
  bool room_awaited = false;  // by somebody within his share
  bool granting = false;
};

BufferPool::BufferPool(std::size_t bound) : impl_(std::make_unique<Impl>(bound)) {}

BufferPool::~BufferPool() = default;

void BufferPool::acquire(Acquire& request) {
  BufferAccount& account = request.account == nullptr ? impl_->common : *request.account;
  CHECK(request.size > 0 && request.size <= largest);
  if (impl_->may_take(account, request.size)) {
    request.buffer = impl_->lend(request.size, account);
    if (request.buffer) return request.complete(0);
    impl_->room_awaited = true;
  }
  impl_->wait(request, account);
}

Buffer BufferPool::try_acquire(std::uint32_t size, BufferAccount* account) {
  CHECK(size > 0 && size <= largest);
  BufferAccount& of = account == nullptr ? impl_->common : *account;
  if (!impl_->may_take(of, size)) return {};
  return impl_->lend(size, of);
}

void BufferPool::release(Buffer buffer) {
  impl_->give_back(buffer);
  if (impl_->turns != 0) impl_->grant_waiters();
}

std::size_t BufferPool::lent_bytes() const { return impl_->lent; }

std::size_t BufferPool::reserved_bytes() const { return impl_->lent + impl_->cached; }

void BufferPool::trim() {
  for (std::size_t i = 0; i < classes; ++i) {
    while (impl_->by_size[i].warm() > impl_->kept_by_trim()) impl_->cool_oldest(i);
  }
}

bool BufferPool::can_trim() const {
  return std::any_of(impl_->by_size.begin(), impl_->by_size.end(),
                     [&](const SizeClass& each) { return each.warm() > impl_->kept_by_trim(); });
}

std::span<std::byte> BufferPool::range() const { return {impl_->base, impl_->range * classes}; }

void BufferPool::add_holder(PageHolder& holder) {
  holder.next_ = impl_->holders;
  impl_->holders = &holder;
}

void BufferPool::remove_holder(PageHolder& holder) {
  PageHolder** at = &impl_->holders;
  while (*at != &holder) at = &(*at)->next_;
  *at = holder.next_;
  if (impl_->holders == nullptr) impl_->drop_cold_pages();
}

void BufferPool::age() {
  int budget = 1024;  // well below a millisecond
  for (std::size_t i = 0; i < classes; ++i) {
    SizeClass& size_class = impl_->by_size[i];
    for (std::size_t surplus = size_class.least_warm; surplus > 0 && budget > 0;
         --surplus, --budget)
      impl_->cool_oldest(i);
    size_class.least_warm = size_class.warm();
  }
}

}  // namespace srpd::runtime
