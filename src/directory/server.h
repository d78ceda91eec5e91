// The discovery service: answers whoever reaches its port, so everything about a visitor is
// bounded: how many at once, from one address, how often, how long and how much each may ask.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "directory/listing.h"
#include "directory/protocol.h"
#include "runtime/loop.h"
#include "transport/transport.h"

namespace srpd::directory {

struct ServerOptions {
  std::size_t max_visitors = 64;
  std::size_t max_visitors_per_host = 16;
  std::uint16_t window = 4;           ///< requests of a visitor that may be under way
  std::uint16_t max_requests = 4096;  ///< of one visit; afterwards it is over
  std::chrono::milliseconds longest_visit{30'000};
  std::uint32_t visits_per_second = 100;
};

class Server final : private transport::Listener::Handler {
 public:
  /// What a visitor is told, who came to the address `local`. A snapshot: it does not change during
  /// the visit.
  using Source = std::function<std::shared_ptr<const Listing>(const transport::Address& local)>;

  /// Everything on `loop`, which outlives the server.
  Server(runtime::Loop& loop, const ServerOptions& options, Source source);
  /// No visitor may be there: after shut_down(), or before listen().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// `transport` outlives the server. Returns the bound address.
  Expected<transport::Address> listen(transport::Transport& transport,
                                      const transport::Address& address);
  /// Takes nobody in any more and sends all away; `done` when the last one is gone, possibly at
  /// once.
  void shut_down(std::function<void()> done);

  std::size_t visitors() const { return visitors_.size(); }

 private:
  class Visitor;

  void on_request(std::unique_ptr<transport::ConnectRequest> request) override;
  void refuse(transport::ConnectRequest& request, HelloKind kind);
  bool admits(const transport::ConnectRequest& request);
  void count_anew();
  bool within_rate();
  bool may_log();
  void leave(Visitor& visitor);
  void bury();

  struct Burial : runtime::Deferred {
    explicit Burial(Server& owner)
        : Deferred([](Deferred& self) { static_cast<Burial&>(self).server.bury(); }),
          server(owner) {}
    Server& server;
  };

  runtime::Loop& loop_;
  const ServerOptions options_;
  const Source source_;
  std::vector<std::unique_ptr<transport::Listener>> listeners_;
  std::unordered_map<Visitor*, std::unique_ptr<Visitor>> visitors_;
  std::vector<std::unique_ptr<Visitor>> gone_;  ///< destroyed outside their callbacks
  Burial burial_{*this};
  std::function<void()> shut_down_done_;
  bool shutting_down_ = false;
  runtime::Time second_{};  ///< began then, with so many visits and lines in the log
  std::uint32_t visits_ = 0;
  std::uint32_t logged_ = 0;
};

}  // namespace srpd::directory
