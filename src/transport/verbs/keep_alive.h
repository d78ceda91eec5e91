// Notices peers that are gone without a word. A queue pair says nothing while nothing is sent, and
// with enough retries never: so an idle connection is asked for a sign of life, and one on which
// something has been under way for long without any completion is given up. One timer for all
// connections of a device and loop, armed while there are any.
#pragma once

#include <vector>

#include "runtime/bound.h"
#include "runtime/loop.h"

namespace srpd::transport::verbs {

class KeepAlive {
 public:
  class Connection {
   public:
    /// The peer gave a sign of life.
    void moved() { moved_ = true; }

   protected:
    ~Connection() = default;

   private:
    friend class KeepAlive;
    /// Something is posted that has not completed.
    virtual bool awaits() const = 0;
    /// Posts what the peer's adapter has to answer, if the connection is up.
    virtual void ask() = 0;
    /// Removes it later, not from inside this call.
    virtual void give_up() = 0;

    bool moved_ = false;     // since the last look
    bool awaited_ = false;   // something, at the last look
    runtime::Time since_{};  // how long nothing has changed
  };
  class Owner {
   public:
    /// What has completed but was not handled is handled now; removes no connection.
    virtual void catch_up() = 0;

   protected:
    ~Owner() = default;
  };
  struct Limits {
    runtime::Time idle;    ///< without a sign of life: ask for one
    runtime::Time answer;  ///< for what is posted to complete
  };

  /// Looks every half of `limits.idle`, so that everything takes up to that much longer.
  KeepAlive(runtime::Loop& loop, Owner& owner, const Limits& limits)
      : loop_(loop), owner_(owner), limits_(limits) {}
  ~KeepAlive() { loop_.cancel_timer(timer_); }
  KeepAlive(const KeepAlive&) = delete;
  KeepAlive& operator=(const KeepAlive&) = delete;

  void add(Connection& connection);
  void remove(Connection& connection);

 private:
  void look();
  void look_at(Connection& connection, runtime::Time now);
  void start_timer() { loop_.start_timer(timer_, loop_.now() + limits_.idle / 2); }

  runtime::Loop& loop_;
  Owner& owner_;
  const Limits limits_;
  std::vector<Connection*> connections_;
  runtime::Bound<runtime::Timer, KeepAlive, &KeepAlive::look> timer_{*this};
};

}  // namespace srpd::transport::verbs
