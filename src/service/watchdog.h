// Says that the process is alive as long as every one of its loops turns. A loop that is stuck
// serves nobody while its hosts wait; a service manager that hears nothing starts the process anew.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/bound.h"
#include "runtime/loop.h"

namespace srpd::service {

class Watchdog {
 public:
  /// On loops[0]. Visits all loops several times in each `interval`, and calls `alive` there when
  /// all of them have answered. Destroyed when no loop runs any more.
  Watchdog(std::vector<runtime::Loop*> loops, runtime::Time interval, std::function<void()> alive);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  /// Goes to one loop and comes back.
  struct Visit {
    Visit(Watchdog& watchdog, runtime::Loop& visited) : owner(watchdog), loop(visited) {}
    void arrived() { owner.home_.post(back); }
    void returned() { owner.returned(); }

    Watchdog& owner;
    runtime::Loop& loop;
    runtime::Bound<runtime::Mail, Visit, &Visit::arrived> there{*this};
    runtime::Bound<runtime::Mail, Visit, &Visit::returned> back{*this};
  };

  void begin();
  void returned();

  runtime::Loop& home_;
  const runtime::Time interval_;
  const std::function<void()> alive_;
  std::vector<std::unique_ptr<Visit>> visits_;
  std::size_t missing_ = 0;  // of this round
  runtime::Bound<runtime::Timer, Watchdog, &Watchdog::begin> next_{*this};
};

}  // namespace srpd::service
