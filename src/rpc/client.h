// The other end of the control socket: what srpctl asks with.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "rpc/fault.h"
#include "rpc/unix_socket.h"

namespace srpd::rpc {

class Client {
 public:
  /// Connects and agrees on the version. The error says what to do where no srpd runs or this user
  /// may not ask it.
  static Expected<std::unique_ptr<Client>> connect(const std::string& path);

  /// Waits for the answer, however long the daemon takes. What the daemon refused is an error in
  /// its words; what the daemon does not understand is one about this program.
  Expected<Json> call(const std::string& method, const Json& parameters = Json::object());
  /// As above, with all that the daemon said.
  Answer<Json> ask(const std::string& method, const Json& parameters);

  /// Of the daemon: "0.1.0".
  const std::string& daemon_version() const { return daemon_version_; }
  /// Its process; 0: unknown.
  int daemon_pid() const;

 private:
  Client(std::string path, Descriptor socket)
      : path_(std::move(path)), socket_(std::move(socket)) {}

  bool send(std::string_view text);
  bool receive_line(std::string& line);
  Fault lost() const;

  std::string path_;
  Descriptor socket_;
  std::string received_;
  std::string daemon_version_;
  int last_id_ = 0;
};

/// What a person reads of it.
Error error_of(const Fault& fault);

}  // namespace srpd::rpc
