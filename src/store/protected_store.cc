#include "store/protected_store.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "runtime/buffer_pool.h"
#include "store/size_text.h"

namespace srpd::store {
namespace {

using runtime::Buffer;
using runtime::BufferPool;
using runtime::Loop;
using runtime::Task;

/// Tuples worked on at a time where they are not in memory: those of 4 MiB with 512-byte blocks.
constexpr std::uint32_t window_bytes = 65536;
constexpr std::size_t pieces_at_once = 16;

std::span<const iovec> unchecked_tuples(std::uint64_t bytes, iovec& tail) {
  static const auto block = [] {
    std::array<std::byte, window_bytes> filled;
    filled.fill(std::byte{0xff});
    return filled;
  }();
  static const auto pieces = [] {
    std::array<iovec, pieces_at_once> all;
    all.fill(iovec{const_cast<std::byte*>(block.data()), block.size()});
    return all;
  }();
  if (bytes >= block.size())
    return std::span(pieces).first(std::min<std::uint64_t>(bytes / block.size(), pieces_at_once));
  tail = iovec{const_cast<std::byte*>(block.data()), bytes};
  return {&tail, 1};
}

void prepare(Operation& operation, Operation::Kind kind, std::uint64_t offset, std::uint64_t length,
             std::span<const iovec> buffers) {
  operation.reset();
  operation.kind = kind;
  operation.offset = offset;
  operation.length = length;
  operation.buffers = buffers;
  operation.error_offset = offset;
}

}  // namespace

/// Tuples in memory: the store's own, or some of them in a buffer. As with O_DIRECT, a command
/// that holds a buffer of the pool must not wait for a second one.
struct ProtectedStore::Window {
  std::byte* mapped = nullptr;
  Buffer buffer;
  std::byte* heap = nullptr;
  std::uint64_t blocks = 0;  ///< as many fit

  std::span<std::byte> tuples(std::uint64_t done, std::uint64_t count) const {
    std::byte* const here = heap != nullptr ? heap : buffer.data;
    return {mapped != nullptr ? mapped + done * tuple_bytes : here, count * tuple_bytes};
  }
  bool usable() const { return mapped != nullptr || heap != nullptr || buffer; }
  void close(BufferPool& pool) const {
    if (buffer) pool.release(buffer);
    std::free(heap);
  }
};

ProtectedStore::ProtectedStore(std::shared_ptr<Backstore> plain, std::unique_ptr<Tuples> tuples,
                               const Protection& protection)
    : plain_(std::move(plain)),
      tuples_(std::move(tuples)),
      block_size_(protection.block_size),
      block_shift_(static_cast<unsigned>(std::countr_zero(protection.block_size))),
      type_(protection.type),
      check_application_tag_(protection.check_application_tag),
      covered_(plain_->size()),
      size_(plain_->size()),
      properties_(plain_->properties()) {
  CHECK(std::has_single_bit(protection.block_size) && protection.type != ProtectionType::none);
  properties_.write_cache = false;
}

ProtectedStore::~ProtectedStore() { plain_->set_observer(nullptr); }

std::string ProtectedStore::description() const {
  return plain_->description() + " with protection information of type " +
         std::to_string(static_cast<unsigned>(rules().type));
}

void ProtectedStore::submit(Loop& loop, Operation& operation) {
  serve(loop, operation)
      .detach([](void* context, int result) { static_cast<Operation*>(context)->complete(result); },
              &operation);
}

Task<int> ProtectedStore::serve(Loop& loop, Operation& operation) {
  if (operation.kind == Operation::Kind::flush) co_return co_await forward(loop, operation);
  if (operation.kind != Operation::Kind::read && properties_.read_only) co_return -EROFS;
  RangeLocks::Hold hold;
  const bool reads = operation.kind == Operation::Kind::read;
  locks_.acquire(loop, hold, {operation.offset, operation.offset + operation.length, reads});
  co_await hold;
  int result = 0;
  if (reads) {
    result = co_await read(loop, operation);
  } else {
    result = co_await change(loop, operation);
  }
  locks_.release(hold);
  co_return result;
}

Task<int> ProtectedStore::read(Loop& loop, Operation& operation) {
  const int result = co_await forward(loop, operation);
  if (result < 0) co_return result;
  co_return co_await check(loop, operation);
}

Task<int> ProtectedStore::change(Loop& loop, Operation& operation) {
  int result = co_await make_unchecked(loop, first_block(operation), blocks(operation));
  if (result == 0) result = co_await forward(loop, operation);
  if (result < 0) co_return result;
  // What is deallocated has no protection information (SBC-3 4.7.3.4).
  const bool deallocated = operation.kind == Operation::Kind::unmap || operation.may_unmap;
  if (!deallocated || operation.kind == Operation::Kind::write)
    result = co_await write_tuples(loop, operation);
  co_return result;
}

/// To the store with the data. A change is on stable media when it returns.
Task<int> ProtectedStore::forward(Loop& loop, Operation& operation) {
  const bool cached = plain_->properties().write_cache;
  const bool writes = operation.kind == Operation::Kind::write;
  Operation data;
  prepare(data, operation.kind, operation.offset, operation.length, operation.buffers);
  data.fua = writes && (operation.fua || cached);
  data.may_unmap = operation.may_unmap;
  data.zeroed = operation.zeroed;
  plain_->submit(loop, data);
  int result = co_await data;
  operation.error_offset = data.error_offset;
  const bool deallocates =
      operation.kind == Operation::Kind::unmap || operation.kind == Operation::Kind::write_zeroes;
  if (result < 0 || !deallocates || !cached) co_return result;
  prepare(data, Operation::Kind::flush, 0, 0, {});
  plain_->submit(loop, data);
  result = co_await data;
  co_return result;
}

Task<int> ProtectedStore::make_unchecked(Loop& loop, std::uint64_t lba, std::uint64_t blocks) {
  const std::uint64_t begin = lba * tuple_bytes;
  const std::uint64_t bytes = blocks * tuple_bytes;
  Operation io;
  iovec tail{};
  int result = 0;
  for (std::uint64_t done = 0; result == 0 && done < bytes; done += io.length) {
    if (tuples_->mask() != 0) {  // inverted: zeroes say it
      prepare(io, Operation::Kind::write_zeroes, begin, bytes, {});
    } else {
      const auto pieces = unchecked_tuples(bytes - done, tail);
      prepare(io, Operation::Kind::write, begin + done, pieces.size() * pieces[0].iov_len, pieces);
    }
    tuples_->store().submit(loop, io);
    result = co_await io;
  }
  co_return result;
}

Task<int> ProtectedStore::write_tuples(Loop& loop, Operation& operation) {
  const std::uint64_t total = blocks(operation);
  const std::uint64_t lba = first_block(operation);
  const Protection protection = rules();
  const Window window = open_window(loop, lba, total);
  if (!window.usable()) co_return -ENOMEM;
  Guards guards = operation.kind == Operation::Kind::write ? Guards(operation.buffers, block_size_)
                                                           : Guards::of_zeroes();
  Operation io;
  iovec piece{};
  int result = 0;
  for (std::uint64_t done = 0, count = 0; result == 0 && done < total; done += count) {
    count = std::min(total - done, window.blocks);
    const auto tuples = window.tuples(done, count);
    make_tuples(protection, lba + done, guards, tuples, tuples_->mask());
    if (window.mapped != nullptr) continue;
    piece = iovec{tuples.data(), tuples.size()};
    prepare(io, Operation::Kind::write, (lba + done) * tuple_bytes, tuples.size(), {&piece, 1});
    tuples_->store().submit(loop, io);
    result = co_await io;
  }
  window.close(loop.buffers());
  co_return result;
}

Task<int> ProtectedStore::check(Loop& loop, Operation& operation) {
  const std::uint64_t total = blocks(operation);
  const std::uint64_t lba = first_block(operation);
  const Protection protection = rules();
  const Window window = open_window(loop, lba, total);
  if (!window.usable()) co_return -ENOMEM;
  Guards guards(operation.buffers, protection.block_size);
  Operation io;
  iovec piece{};
  int result = 0;
  for (std::uint64_t done = 0, count = 0; result == 0 && done < total; done += count) {
    count = std::min(total - done, window.blocks);
    const auto tuples = window.tuples(done, count);
    operation.error_offset = (lba + done) << block_shift_;
    if (window.mapped == nullptr) {
      piece = iovec{tuples.data(), tuples.size()};
      prepare(io, Operation::Kind::read, (lba + done) * tuple_bytes, tuples.size(), {&piece, 1});
      tuples_->store().submit(loop, io);
      result = co_await io;
      if (result < 0) continue;
    }
    const auto wrong = check_tuples(protection, lba + done, guards, tuples, tuples_->mask());
    if (!wrong) continue;
    operation.error_offset = wrong->lba << block_shift_;
    result = wrong->result;
  }
  window.close(loop.buffers());
  co_return result;
}

void ProtectedStore::set_rules(const Protection& wanted) {
  CHECK(wanted.block_size == block_size_ && wanted.type != ProtectionType::none);
  type_.store(wanted.type, std::memory_order_relaxed);
  check_application_tag_.store(wanted.check_application_tag, std::memory_order_relaxed);
}

Protection ProtectedStore::rules() const {
  return {.type = type_.load(std::memory_order_relaxed),
          .block_size = block_size_,
          .check_application_tag = check_application_tag_.load(std::memory_order_relaxed)};
}

std::uint64_t ProtectedStore::first_block(const Operation& operation) const {
  DCHECK(operation.offset % block_size_ == 0);
  return operation.offset >> block_shift_;
}

std::uint64_t ProtectedStore::blocks(const Operation& operation) const {
  DCHECK(operation.length % block_size_ == 0);
  return operation.length >> block_shift_;
}

ProtectedStore::Window ProtectedStore::open_window(Loop& loop, std::uint64_t lba,
                                                   std::uint64_t blocks) {
  const std::uint64_t bytes = blocks * tuple_bytes;
  Window window;
  window.mapped = tuples_->store().map(lba * tuple_bytes, bytes);
  window.blocks = blocks;
  if (window.mapped != nullptr) return window;
  const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, window_bytes));
  window.blocks = size / tuple_bytes;
  window.buffer = loop.buffers().try_acquire(std::max(size, BufferPool::smallest));
  if (!window.buffer) window.heap = static_cast<std::byte*>(std::malloc(size));
  return window;
}

Expected<void> ProtectedStore::cover(std::uint64_t bytes) {
  if (auto covered = tuples_->cover(bytes >> block_shift_); !covered) return covered;
  covered_.store(bytes, std::memory_order_relaxed);
  return {};
}

/// There is a tuple for every block before hosts see it.
Expected<std::uint64_t> ProtectedStore::resize(const NewSize& wanted) {
  const std::uint64_t before = size();
  if (wanted.bytes > before) {
    if (auto covered = cover(wanted.bytes); !covered) return tl::make_unexpected(covered.error());
  }
  auto bytes = plain_->resize(wanted);
  if (!bytes) return bytes;
  if (auto covered = cover(*bytes); !covered) return tl::make_unexpected(covered.error());
  serve_size(*bytes);
  return bytes;
}

void ProtectedStore::set_observer(Observer* observer) {
  observer_.set(observer);
  plain_->set_observer(observer == nullptr ? nullptr : this);
}

void ProtectedStore::serve_size(std::uint64_t bytes) {
  if (size_.exchange(bytes, std::memory_order_relaxed) != bytes) observer_.tell(bytes);
}

/// Also called while resize() is at it.
void ProtectedStore::on_size_changed(std::uint64_t bytes) {
  const std::uint64_t covered = covered_.load(std::memory_order_relaxed);
  if (bytes > covered) {
    log::info(
        "{}: there is protection information for {} of it, which stay what hosts see; srpctl "
        "resize serves all",
        plain_->description(), format_size(covered));
  }
  serve_size(std::min(bytes, covered));
}

}  // namespace srpd::store
