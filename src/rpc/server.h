// The control socket: a Unix stream socket, one JSON text per line in both directions. A thread for
// each connection, since an operation may wait for a device or for hosts; requests of one
// connection are answered in their order. No loop is involved.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "rpc/unix_socket.h"

namespace srpd::rpc {

inline constexpr const char* default_socket = "/run/srpd/srpd.sock";

struct ServerOptions {
  std::string path = default_socket;
  mode_t mode = 0660;
  std::optional<gid_t> group = {};  ///< of the socket; the process's own without
  /// A socket that listens at `path` already, of a service manager: it keeps its mode, its group
  /// and its name when this server ends.
  int passed = -1;
  /// More, and the one that has been idle for longest is closed; where none is, the new one.
  std::size_t max_connections = 64;
  std::size_t max_line = std::size_t{64} << 20;
  /// Of lines that have not ended, in all connections together.
  std::size_t max_waiting_bytes = std::size_t{256} << 20;
  /// A client that does not take its answer is closed.
  std::chrono::seconds send_timeout{30};
};

class Server {
 public:
  /// Answers a line; an empty answer is none. Any thread, several at once; may wait.
  using Answer = std::function<std::string(std::string_view line)>;

  /// The directory is made where it is missing. A socket that nobody serves any more is replaced.
  static Expected<std::unique_ptr<Server>> start(Answer answer, const ServerOptions& options);
  /// As stop().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// What is being answered is finished first; the socket is gone when it returns. What answers
  /// wait for, such as a loop, has to run meanwhile.
  void stop();
  const std::string& path() const { return options_.path; }

 private:
  struct Connection;
  Server(Answer answer, ServerOptions options, Descriptor listening, Descriptor stop_event);

  void accept_all();
  void take(int fd);
  bool make_room();
  void join_ended();
  void serve(Connection& connection);
  void serve_lines(Connection& connection);
  bool receive(Connection& connection, std::string& waiting);
  bool answer_lines(Connection& connection, std::string& waiting);

  const Answer answer_;
  const ServerOptions options_;
  Descriptor listening_;
  const Descriptor stop_event_;
  std::atomic<std::size_t> waiting_bytes_ = 0;
  std::mutex large_;  ///< held while a large request is worked on: one at a time
  std::mutex mutex_;  ///< the list, and what it says about connections
  std::list<std::unique_ptr<Connection>> connections_;
  std::thread acceptor_;
};

}  // namespace srpd::rpc
