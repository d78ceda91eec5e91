// A session for programs without a loop of their own: each call runs the loop until it is done.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "initiator/session.h"

namespace srpd::initiator {

class Client final : private Session::Observer {
 public:
  /// Waits for the login. `loop` is not running otherwise and outlives the client, as `transport`
  /// does.
  static Expected<std::unique_ptr<Client>> connect(runtime::Loop& loop,
                                                   transport::Transport& transport,
                                                   const SessionOptions& options);
  /// Logs out and waits for that.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Waits; the result is in the record. Takes over `done` and `context`.
  void execute(Request& request);
  void execute(TaskRequest& task);

  /// For requests of one's own: wait() lets them proceed.
  Session& session() { return *session_; }
  /// Runs the loop until somebody calls wake(), or the session is over.
  void wait();
  void wake() { loop_.stop(); }
  bool over() const { return over_; }
  /// Why it is over.
  const std::optional<Error>& error() const { return error_; }

 private:
  explicit Client(runtime::Loop& loop) : loop_(loop) {}
  void on_up() override;
  void on_down(const std::string& why) override;
  void on_over(const Error* error) override;

  runtime::Loop& loop_;
  std::unique_ptr<Session> session_;
  bool up_ = false;
  bool over_ = false;
  std::optional<Error> error_;
};

}  // namespace srpd::initiator
