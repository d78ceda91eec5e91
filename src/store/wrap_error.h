// A test double: a store that fails by plan in front of one that does the work.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "store/backstore.h"

namespace srpd::store {

/// Operations of `kinds` that touch [first, first + length) end with `result`.
struct Fault {
  static constexpr std::uint32_t bit(Operation::Kind kind) {
    return 1u << static_cast<unsigned>(kind);
  }
  static constexpr std::uint32_t all_kinds = 0x1f;
  static constexpr std::uint32_t forever = UINT32_MAX;

  std::uint32_t kinds = all_kinds;
  std::uint64_t first = 0;
  std::uint64_t length = UINT64_MAX;
  int result = -EIO;
  std::uint32_t times = forever;
  bool after_the_work = false;  ///< the inner store does it first; only the answer is wrong
};

class WrapError final : public Backstore {
 public:
  explicit WrapError(std::unique_ptr<Backstore> inner) : inner_(std::move(inner)) {}

  /// Any thread; later faults are looked at after earlier ones.
  void inject(const Fault& fault);
  void clear();
  std::uint64_t injected() const { return injected_.load(std::memory_order_relaxed); }

  const Properties& properties() const override { return inner_->properties(); }
  std::uint64_t size() const override { return inner_->size(); }
  std::string description() const override { return inner_->description() + " with faults"; }
  void submit(runtime::Loop& loop, Operation& operation) override;
  Expected<std::uint64_t> resize(const NewSize& wanted) override { return inner_->resize(wanted); }
  void set_observer(Observer* observer) override { inner_->set_observer(observer); }
  // No map(): every operation must come through submit().

 private:
  struct Spoiled;
  bool take(const Operation& operation, Fault& hit);

  std::unique_ptr<Backstore> inner_;
  std::mutex mutex_;
  std::vector<Fault> faults_;
  std::atomic<std::uint64_t> injected_{0};
};

}  // namespace srpd::store
