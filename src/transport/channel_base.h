// What the channels of networks have in common: turns at the end of an iteration of the loop, an
// alarm, works whose results wait for a turn, and the values that Channel gives out.
#pragma once

#include <cstdint>
#include <utility>

#include "base/check.h"
#include "runtime/bound.h"
#include "runtime/loop.h"
#include "transport/transport.h"
#include "transport/work_queue.h"

namespace srpd::transport {

/// `Derived` has take_turn() and on_alarm(), and lets this class call them.
template <class Derived>
class ChannelBase : public Channel {
 public:
  const Limits& limits() const final { return limits_; }
  const Address& peer() const final { return peer_; }
  const Address& local() const final { return local_; }
  runtime::Loop& loop() final { return loop_; }

 protected:
  ChannelBase(runtime::Loop& loop, Address peer, Address local)
      : loop_(loop), peer_(std::move(peer)), local_(std::move(local)) {}
  ~ChannelBase() override {
    CHECK(lent_ == 0);
    loop_.cancel_deferred(turn_);
    loop_.cancel_timer(alarm_);
  }

  void take_handler(Handler& handler) {
    CHECK(handler_ == nullptr);
    handler_ = &handler;
    defer_turn();
  }
  void defer_turn() { loop_.defer(turn_); }
  void set_alarm(runtime::Time delay) {
    loop_.cancel_timer(alarm_);
    loop_.start_timer(alarm_, loop_.now() + delay);
  }
  void cancel_alarm() { loop_.cancel_timer(alarm_); }

  /// The result is told by complete_done(), not inline.
  void finish(SendWork& work, int result) { finish_in(done_sends_, work, result); }
  void finish(ReadWork& work, int result) { finish_in(done_reads_, work, result); }
  /// Callbacks may post more, which after the end completes here as well: reads whose completions
  /// send, and the other way round.
  void complete_done() {
    while (!done_sends_.empty() || !done_reads_.empty()) {
      while (SendWork* const work = done_sends_.pop())
        work->complete(static_cast<int>(work->cookie));
      while (ReadWork* const work = done_reads_.pop())
        work->complete(static_cast<int>(work->cookie));
    }
  }
  /// The last thing that happens.
  void report_closed() {
    complete_done();
    cancel_alarm();
    loop_.cancel_deferred(turn_);
    handler_->on_closed(reason_);
  }

  runtime::Loop& loop_;
  Address peer_;
  Address local_;
  Limits limits_;
  Handler* handler_ = nullptr;
  CloseReason reason_;
  std::uint32_t lent_ = 0;          ///< IUs that the handler has
  WorkQueue<SendWork> done_sends_;  ///< the result is in `cookie`
  WorkQueue<ReadWork> done_reads_;

 private:
  template <class Work>
  static void finish_in(WorkQueue<Work>& done, Work& work, int result) {
    work.cookie = static_cast<std::uint64_t>(static_cast<std::int64_t>(result));
    done.push(work);
  }
  void turn() { static_cast<Derived&>(*this).take_turn(); }
  void alarm() { static_cast<Derived&>(*this).on_alarm(); }

  runtime::Bound<runtime::Deferred, ChannelBase, &ChannelBase::turn> turn_{*this};
  runtime::Bound<runtime::Timer, ChannelBase, &ChannelBase::alarm> alarm_{*this};
};

}  // namespace srpd::transport
