// Asks one discovery service for its listing.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "directory/protocol.h"
#include "runtime/loop.h"
#include "transport/transport.h"

namespace srpd::directory {

/// What went wrong, for people. `absent`: the machine is there, and nothing listens at this port of
/// it; there may be a target without this service.
struct QueryFailure {
  Error error;
  bool absent = false;
};

class Query final : private transport::Connector::Handler, private transport::Channel::Handler {
 public:
  using Result = tl::expected<Listing, QueryFailure>;
  using Done = std::function<void(Result)>;

  /// `done` once, on the loop and not inline; the query can be destroyed from it, and at no other
  /// time before. `loop` and `transport` outlive the query.
  Query(runtime::Loop& loop, transport::Transport& transport, const transport::Address& address,
        std::chrono::milliseconds timeout, Done done);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

 private:
  void on_connected(std::unique_ptr<transport::Channel> channel,
                    std::span<const std::byte> private_data) override;
  void on_rejected(std::span<const std::byte> private_data) override;
  void on_failed(const Error& error) override;
  void on_iu(transport::Iu& iu) override;
  void on_closed(const transport::CloseReason& reason) override;

  void ask();
  void sent();
  void expired();
  void end(std::string_view why);
  void report();

  struct Request : transport::SendWork {
    explicit Request(Query& owner);
    Query& query;
    discovery::Mad mad{};
  };
  struct Alarm : runtime::Timer {
    explicit Alarm(Query& owner)
        : Timer([](Timer& self) { static_cast<Alarm&>(self).query.expired(); }), query(owner) {}
    Query& query;
  };
  struct Report : runtime::Deferred {
    explicit Report(Query& owner)
        : Deferred([](Deferred& self) { static_cast<Report&>(self).query.report(); }),
          query(owner) {}
    Query& query;
  };

  runtime::Loop& loop_;
  const std::string object_;
  Done done_;
  std::unique_ptr<transport::Connector> connector_;
  std::unique_ptr<transport::Channel> channel_;
  Inquiry inquiry_;
  std::optional<QueryFailure> failure_;
  bool ended_ = false;    ///< the channel was told so
  bool sending_ = false;  ///< the last request has not left yet
  bool ask_after_ = false;
  Request request_{*this};
  Alarm alarm_{*this};
  Report report_{*this};
};

}  // namespace srpd::directory
