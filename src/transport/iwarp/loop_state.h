// What the connections of one loop share, so that an idle one costs little: the staging buffer they
// read into, the scratch they send from, receive buffers, and polling of the busiest ones. Lives as
// long as one of them does.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/loop.h"
#include "transport/iwarp/iu_pool.h"
#include "transport/iwarp/transmitter.h"

namespace srpd::transport::iwarp {

class LoopState final : runtime::Poller {
 public:
  /// A connection that may be worth a look before the loop asks the kernel what is ready.
  class Pollable {
   public:
    /// True when something had arrived.
    virtual bool poll_receive() = 0;

   protected:
    ~Pollable() = default;

   private:
    friend class LoopState;
    unsigned fruitless_ = 0;
    bool hot_ = false;
  };

  explicit LoopState(runtime::Loop& loop) : loop_(loop) {}
  ~LoopState();
  LoopState(const LoopState&) = delete;
  LoopState& operator=(const LoopState&) = delete;

  /// `connection` received something.
  void touch(Pollable& connection);
  void forget(Pollable& connection);

  Iu* take_iu(std::uint32_t size);

  std::array<std::byte, 65536> staging;
  Batch batch;

 private:
  bool poll() override;
  void drop(std::size_t index);
  void on_trim();

  struct TrimTimer : runtime::Timer {
    explicit TrimTimer(LoopState& owner)
        : Timer([](Timer& self) { static_cast<TrimTimer&>(self).state.on_trim(); }), state(owner) {}
    LoopState& state;
  };

  static constexpr std::size_t max_hot = 4;

  runtime::Loop& loop_;
  IuPool ius_;
  std::array<Pollable*, max_hot> hot_{};
  std::size_t hot_count_ = 0;
  TrimTimer trim_timer_{*this};
};

/// One LoopState per loop, made when the first connection of the loop comes. Any thread.
class LoopStates {
 public:
  /// On the thread of `loop`, as is the end of what it returns.
  std::shared_ptr<LoopState> of(runtime::Loop& loop);

 private:
  struct Entry {
    runtime::Loop* loop;
    std::weak_ptr<LoopState> state;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace srpd::transport::iwarp
