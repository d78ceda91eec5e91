// A login at a target: one or more channels, the queue in front of them, and what happens when the
// target or the network fails.
//
// Order: requests are sent in the order of submit(), on one channel in exactly that order; on
// several channels there is none between them. A request that is sent again after a reconnect takes
// its old place among those.
//
// Recovery: a request without an answer in time is aborted (ABORT TASK); if that fails its LUN is
// reset (LUN RESET); if that fails too the connection is dropped. Then, or when it breaks by
// itself, the session reconnects with growing pauses. Requests that may be repeated are sent again,
// the others end with -ECONNRESET.
//
// Everything happens on one loop. Nothing is allocated per request.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "initiator/connection.h"
#include "initiator/options.h"
#include "initiator/request.h"
#include "transport/transport.h"

namespace srpd::initiator {

class Session final : private Connection::Owner {
 public:
  class Observer {
   public:
    /// Logged in, for the first time or again.
    virtual void on_up() = 0;
    virtual void on_down(const std::string& why) = 0;
    /// The last callback: every request has completed. `error` null: close() was called. The
    /// session may be destroyed after it returns.
    virtual void on_over(const Error* error) = 0;

   protected:
    ~Observer() = default;
  };

  /// `loop`, `transport` and `observer` outlive the session. Destroy it when it is over or was
  /// never opened.
  Session(runtime::Loop& loop, transport::Transport& transport, const SessionOptions& options,
          Observer& observer);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  void open();
  /// Logs out. What has not completed ends with -ENOTCONN, then on_over.
  void close();

  /// Before or after on_up. False, and nothing happens, when the queue is full or the session is
  /// over. Otherwise `done` follows, never inline.
  bool submit(Request& request);
  /// One after the other, in order. `done` follows, never inline; false when the session is over.
  bool manage(TaskRequest& task);

  bool up() const { return state_ == State::up; }
  std::uint32_t queued() const { return queue_.size(); }
  std::uint32_t in_flight() const;
  const SessionCounters& counters() const { return counters_; }
  const SessionOptions& options() const { return options_; }
  runtime::Loop& loop() { return loop_; }
  /// The channels that are logged in, for status output and checks.
  const std::vector<std::unique_ptr<Connection>>& channels() const { return channels_; }
  std::string description() const;

 private:
  enum class State : std::uint8_t { idle, connecting, up, losing, waiting, closing, over };
  enum class Step : std::uint8_t { none, abort, reset };

  /// In order of arrival.
  class Queue {
   public:
    bool empty() const { return head_ == nullptr; }
    std::uint32_t size() const { return size_; }
    Request& front() const { return *head_; }
    void push_back(Request& request);
    Request& pop_front();
    /// By sequence; cheap near the front.
    void insert(Request& request);
    bool remove(Request& request);
    /// Calls `visit(Request&)` for those it takes out: all for which `wanted(Request&)`.
    template <class Wanted, class Visitor>
    void take_if(Wanted wanted, Visitor visit);

   private:
    Request* head_ = nullptr;
    Request* tail_ = nullptr;
    std::uint32_t size_ = 0;
  };

  // Connection::Owner
  void on_login(Connection& connection) override;
  void on_login_failed(Connection& connection, const Error& error,
                       std::optional<srp::LoginReject> rejection) override;
  void on_finished(Connection& connection, Request& request) override;
  void on_managed(Connection& connection, std::optional<srp::ResponseCode> code) override;
  void on_room(Connection& connection) override;
  void on_lost(Connection& connection, const std::string& why) override;

  // session.cc: life
  void wake();
  void work();
  void connect_next();
  void connected();
  void drop(std::string_view why);
  void all_channels_gone();
  void wait_and_reconnect();
  void on_life_timer();
  void finish_over();
  void set_over(const Error* error);

  // session_queue.cc: requests
  void pump();
  Connection* channel_with_room();
  void complete(Request& request, int error);
  void complete_later(Request& request, int error);
  bool hold_back(Request& request);
  void release_held();

  // session_recovery.cc: deadlines and task management
  void watch_deadline(runtime::Time deadline);
  void on_deadline();
  void recover(Connection& connection, Request& request);
  void on_recovered();
  void start_task();
  void finish_task(int error, srp::ResponseCode code);
  void on_task_timeout();
  Connection* carrier_of(const Request& request);

  struct OwnedTimer : runtime::Timer {
    OwnedTimer(Session& owner, void (Session::*on_expiry)());
    Session& session;
    void (Session::*function)();
  };

  runtime::Loop& loop_;
  transport::Transport& transport_;
  const SessionOptions options_;
  Observer& observer_;
  SessionCounters counters_;
  Random random_;

  State state_ = State::idle;
  std::vector<std::unique_ptr<Connection>> channels_;
  std::vector<std::unique_ptr<Connection>> gone_;  ///< destroyed outside their callbacks
  std::uint32_t next_channel_ = 0;                 ///< where the search for room begins
  bool was_up_ = false;
  bool close_asked_ = false;
  std::optional<Error> fatal_;
  std::string lost_because_;
  runtime::Time down_since_{};
  std::chrono::nanoseconds backoff_{};

  Queue queue_;
  Queue held_;      ///< the target was busy
  Queue finished_;  ///< completed without having been sent: `done` is not called inline
  std::uint64_t next_sequence_ = 0;

  TaskRequest* tasks_ = nullptr;  ///< the first one is under way when task_channel_ is set
  TaskRequest** tasks_tail_ = &tasks_;
  Connection* task_channel_ = nullptr;
  Step step_ = Step::none;
  TaskRequest recovery_;

  OwnedTimer life_timer_;
  OwnedTimer deadline_timer_;
  OwnedTimer task_timer_;
  OwnedTimer held_timer_;
  struct Wake : runtime::Deferred {
    explicit Wake(Session& owner)
        : Deferred([](Deferred& self) { static_cast<Wake&>(self).session.work(); }),
          session(owner) {}
    Session& session;
  } wake_{*this};
};

}  // namespace srpd::initiator
