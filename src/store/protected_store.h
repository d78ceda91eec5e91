// A store that keeps protection information with its blocks: makes it when they are written,
// checks the data against it when they are read, and hands out no data that do not match. It
// stands between the core and the store that has the data, so that a unit without protection knows
// nothing of it. It lends no memory: what hosts get is checked where nobody else writes.
//
// Order of a write, each step on stable media before the next where the store has any:
//   1. the tuples say "unchecked"
//   2. the data
//   3. the tuples
// So whatever ends srpd or the machine in between, a block never meets the tuple of other data; it
// is unchecked until it is written again. For the same reason the unit has no volatile cache.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "runtime/loop.h"
#include "runtime/task.h"
#include "store/backstore.h"
#include "store/new_size.h"
#include "store/protection.h"
#include "store/range_locks.h"
#include "store/tuples.h"

namespace srpd::store {

class ProtectedStore final : public Backstore, private Observer {
 public:
  /// `tuples` cover the size of `plain`.
  ProtectedStore(std::shared_ptr<Backstore> plain, std::unique_ptr<Tuples> tuples,
                 const Protection& protection);
  ~ProtectedStore() override;

  /// The store with the data.
  const std::shared_ptr<Backstore>& plain() const { return plain_; }
  /// Another type, other checks for operations from now on; blocks stay as long as they are. Any
  /// thread.
  void set_rules(const Protection& wanted);
  /// No block is checked before it is written again. With no operation under way, on no loop; may
  /// take long.
  Expected<void> format() { return tuples_->format(); }

  const Properties& properties() const override { return properties_; }
  std::uint64_t size() const override { return size_.load(std::memory_order_relaxed); }
  std::string description() const override;
  void submit(runtime::Loop& loop, Operation& operation) override;
  Expected<std::uint64_t> resize(const NewSize& wanted) override;
  void set_observer(Observer* observer) override;

 private:
  struct Window;

  runtime::Task<int> serve(runtime::Loop& loop, Operation& operation);
  runtime::Task<int> read(runtime::Loop& loop, Operation& operation);
  runtime::Task<int> change(runtime::Loop& loop, Operation& operation);
  runtime::Task<int> forward(runtime::Loop& loop, Operation& operation);
  runtime::Task<int> make_unchecked(runtime::Loop& loop, std::uint64_t lba, std::uint64_t blocks);
  runtime::Task<int> write_tuples(runtime::Loop& loop, Operation& operation);
  runtime::Task<int> check(runtime::Loop& loop, Operation& operation);

  Protection rules() const;
  std::uint64_t first_block(const Operation& operation) const;
  std::uint64_t blocks(const Operation& operation) const;
  Window open_window(runtime::Loop& loop, std::uint64_t lba, std::uint64_t blocks);
  Expected<void> cover(std::uint64_t bytes);
  void serve_size(std::uint64_t bytes);
  void on_size_changed(std::uint64_t bytes) override;

  const std::shared_ptr<Backstore> plain_;
  const std::unique_ptr<Tuples> tuples_;
  const std::uint32_t block_size_;
  const unsigned block_shift_;
  std::atomic<ProtectionType> type_;
  std::atomic<bool> check_application_tag_;
  RangeLocks locks_;
  std::atomic<std::uint64_t> covered_;  ///< bytes of data
  std::atomic<std::uint64_t> size_;
  ObserverSlot observer_;
  Properties properties_;
};

}  // namespace srpd::store
