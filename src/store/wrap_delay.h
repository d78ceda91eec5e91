// A test double: a store that answers late, or hangs until it is let go, in front of one that does
// the work.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "store/backstore.h"

namespace srpd::store {

class WrapDelay final : public Backstore {
 public:
  /// How long `operation` waits before the inner store gets it. Any thread.
  using Plan = std::function<runtime::Time(const Operation& operation)>;
  static constexpr runtime::Time hang = runtime::Time::max();

  WrapDelay(std::unique_ptr<Backstore> inner, Plan plan)
      : inner_(std::move(inner)), plan_(std::move(plan)) {}
  /// Nothing may be waiting any more.
  ~WrapDelay() override;

  /// What hangs on `loop` goes on, in order; on its thread.
  void release(runtime::Loop& loop);
  /// Operations that hang, on every loop.
  std::size_t hanging() const;

  const Properties& properties() const override { return inner_->properties(); }
  std::uint64_t size() const override { return inner_->size(); }
  std::string description() const override { return inner_->description() + " with delays"; }
  void submit(runtime::Loop& loop, Operation& operation) override;
  Expected<std::uint64_t> resize(const NewSize& wanted) override { return inner_->resize(wanted); }
  void set_observer(Observer* observer) override { inner_->set_observer(observer); }
  // No map(): every operation must come through submit().

 private:
  struct Late;
  struct Hanging {
    runtime::Loop* loop;
    Operation* operation;
  };

  std::unique_ptr<Backstore> inner_;
  Plan plan_;
  mutable std::mutex mutex_;
  std::vector<Hanging> hanging_;
};

}  // namespace srpd::store
