#include "support/memory_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace srpd::test {

using Kind = store::Operation::Kind;

MemoryStore::MemoryStore(const MemoryStoreOptions& options)
    : options_(options), bytes_(options.bytes) {
  waiting_.reserve(1024);
}

MemoryStore::~MemoryStore() { CHECK(waiting_.empty() && observer_ == nullptr); }

void MemoryStore::Deferral::run_it(runtime::Deferred& self) {
  static_cast<Deferral&>(self).store.release_held();
}

void MemoryStore::release_held() {
  const std::size_t count = waiting_.size();
  for (std::size_t i = 0; i < count; ++i) {
    store::Operation& operation = *waiting_.front();
    waiting_.erase(waiting_.begin());
    operation.complete(perform(operation));
  }
}

void MemoryStore::submit(runtime::Loop& loop, store::Operation& operation) {
  if (options_.when == MemoryStoreOptions::When::inline_)
    return operation.complete(perform(operation));
  waiting_.push_back(&operation);
  if (options_.when == MemoryStoreOptions::When::deferred) loop.defer(deferral_);
}

std::byte* MemoryStore::map(std::uint64_t offset, std::uint64_t length) {
  CHECK(offset <= bytes_.size() && length <= bytes_.size() - offset);
  return options_.mapped ? bytes_.data() + offset : nullptr;
}

void MemoryStore::resize(std::uint64_t bytes) {
  bytes_.resize(bytes);
  if (observer_ != nullptr) observer_->on_size_changed(bytes);
}

void MemoryStore::fail(Kind kind, int error, std::uint64_t at) {
  faults_.push_back({kind, error, at});
}

std::size_t MemoryStore::count(Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

int MemoryStore::fault_of(store::Operation& operation) const {
  for (const Fault& fault : faults_) {
    if (fault.kind != operation.kind) continue;
    if (fault.kind == Kind::flush) return fault.error;
    if (fault.at < operation.offset || fault.at - operation.offset >= operation.length) continue;
    operation.error_offset = fault.at;
    return fault.error;
  }
  return 0;
}

int MemoryStore::perform(store::Operation& operation) {
  ++counts_[static_cast<std::size_t>(operation.kind)];
  last_may_unmap_ = operation.may_unmap;
  if (operation.kind == Kind::write && operation.fua) ++fua_writes_;
  if (operation.kind != Kind::flush)
    CHECK(operation.offset <= bytes_.size() &&
          operation.length <= bytes_.size() - operation.offset);
  if (const int error = fault_of(operation); error != 0) return -error;
  std::byte* at = bytes_.data() + operation.offset;
  if (operation.kind == Kind::unmap || operation.kind == Kind::write_zeroes)
    std::memset(at, 0, operation.length);
  std::uint64_t moved = 0;
  for (const iovec& piece : operation.buffers) {
    if (operation.kind == Kind::read) std::memcpy(piece.iov_base, at + moved, piece.iov_len);
    if (operation.kind == Kind::write) std::memcpy(at + moved, piece.iov_base, piece.iov_len);
    moved += piece.iov_len;
  }
  if (operation.kind == Kind::read || operation.kind == Kind::write)
    CHECK(moved == operation.length);
  return 0;
}

}  // namespace srpd::test
