#include "directory/server.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "srp/login.h"

namespace srpd::directory {
namespace {

using namespace std::chrono_literals;

constexpr runtime::Time second = 1s;
constexpr std::uint32_t lines_per_second = 5;

}  // namespace

// A connection, from its acceptance to its end. Requests are answered one after the other: those
// that wait stay in their receive buffers, of which there are as many as the window says.
class Server::Visitor final : public transport::ConnectRequest::Established,
                              private transport::Channel::Handler {
 public:
  Visitor(Server& server, std::string host, std::shared_ptr<const Listing> listing)
      : server_(server), host_(std::move(host)), listing_(std::move(listing)) {
    server_.loop_.start_timer(end_, server_.loop_.now() + server_.options_.longest_visit);
  }
  ~Visitor() { server_.loop_.cancel_timer(end_); }

  const std::string& host() const { return host_; }
  void send_away(std::string_view why) {
    if (channel_ != nullptr)
      channel_->disconnect(why);
    else
      unwelcome_ = true;
  }

 private:
  struct Response : transport::SendWork {
    explicit Response(Visitor& owner)
        : SendWork([](runtime::Completion& self) { static_cast<Response&>(self).visitor.sent(); }),
          visitor(owner) {}
    Visitor& visitor;
    discovery::Mad mad{};
  };
  struct End : runtime::Timer {
    explicit End(Visitor& owner)
        : Timer([](Timer& self) {
            static_cast<End&>(self).visitor.send_away("the visit took too long");
          }),
          visitor(owner) {}
    Visitor& visitor;
  };

  void on_channel(std::unique_ptr<transport::Channel> channel) override {
    channel_ = std::move(channel);
    channel_->start(*this);
    if (unwelcome_) channel_->disconnect("the service ends");
  }
  void on_lost(const transport::CloseReason&) override { server_.leave(*this); }
  void on_closed(const transport::CloseReason&) override {
    while (waiting_ != nullptr) channel_->release(take_waiting());
    server_.leave(*this);
  }

  void on_iu(transport::Iu& iu) override {
    iu.next = nullptr;
    *waiting_tail_ = &iu;
    waiting_tail_ = &iu.next;
    if (!sending_) answer_next();
  }

  transport::Iu& take_waiting() {
    transport::Iu& iu = *waiting_;
    waiting_ = iu.next;
    if (waiting_ == nullptr) waiting_tail_ = &waiting_;
    return iu;
  }

  void answer_next() {
    if (waiting_ == nullptr) return;
    transport::Iu& iu = take_waiting();
    const auto response = answer(*listing_, iu.bytes());
    channel_->release(iu);
    if (!response) return channel_->disconnect("not a request of Device Management");
    if (answered_++ == server_.options_.max_requests)
      return channel_->disconnect("too many requests in one visit");
    response_.mad = *response;
    response_.iu = response_.mad;
    response_.reset();
    sending_ = true;
    channel_->send(response_);
  }

  void sent() {
    sending_ = false;
    if (response_.result() >= 0) answer_next();
  }

  Server& server_;
  const std::string host_;
  const std::shared_ptr<const Listing> listing_;
  std::unique_ptr<transport::Channel> channel_;
  bool unwelcome_ = false;  ///< sent away before the connection was up
  bool sending_ = false;
  std::uint32_t answered_ = 0;
  transport::Iu* waiting_ = nullptr;
  transport::Iu** waiting_tail_ = &waiting_;
  Response response_{*this};
  End end_{*this};
};

Server::Server(runtime::Loop& loop, const ServerOptions& options, Source source)
    : loop_(loop), options_(options), source_(std::move(source)) {}

Server::~Server() {
  CHECK(visitors_.empty());
  loop_.cancel_deferred(burial_);
}

Expected<transport::Address> Server::listen(transport::Transport& transport,
                                            const transport::Address& address) {
  auto listener = transport.listen(loop_, address, *this);
  if (!listener) return tl::make_unexpected(listener.error());
  listeners_.push_back(std::move(*listener));
  return listeners_.back()->address();
}

void Server::on_request(std::unique_ptr<transport::ConnectRequest> request) {
  const HelloKind kind = parse_hello(request->private_data());
  if (kind != HelloKind::hello) return refuse(*request, kind);
  if (!admits(*request)) {
    const auto rejection = build_rejection(wire::directory::Refusal::busy);
    return request->reject(wire::bytes_of(rejection));
  }
  auto made = std::make_unique<Visitor>(*this, request->peer().host(), source_(request->local()));
  Visitor& visitor = *made;
  visitors_.emplace(&visitor, std::move(made));
  const auto welcome = build_welcome(options_.window, options_.max_requests);
  transport::ChannelParameters parameters;
  parameters.max_receive_iu = wire::mad::size;
  parameters.receive_count = options_.window;
  parameters.outbound_reads = 0;
  request->accept(wire::bytes_of(welcome), parameters, loop_, visitor);
}

void Server::refuse(transport::ConnectRequest& request, HelloKind kind) {
  if (may_log())
    log::warning("discovery: {}: refused: {}", request.peer().text(),
                 kind == HelloKind::srp_login
                     ? "an SRP login; the host has the discovery port where it needs the target's"
                     : "not a request of srp discover; check what connects to this port");
  if (kind == HelloKind::srp_login) {
    // In words that the host's initiator knows.
    const auto login = srp::parse_login_rdma(request.private_data());
    const auto rejection = srp::build_login_rej({login ? login->tag : wire::srp::Tag{}});
    return request.reject(wire::bytes_of(rejection));
  }
  const auto rejection =
      build_rejection(kind == HelloKind::other_version ? wire::directory::Refusal::bad_version
                                                       : wire::directory::Refusal::malformed);
  request.reject(wire::bytes_of(rejection));
}

bool Server::admits(const transport::ConnectRequest& request) {
  if (shutting_down_ || visitors_.size() >= options_.max_visitors || !within_rate()) return false;
  const std::string host = request.peer().host();
  const auto same = std::count_if(visitors_.begin(), visitors_.end(),
                                  [&](const auto& each) { return each.second->host() == host; });
  return static_cast<std::size_t>(same) < options_.max_visitors_per_host;
}

void Server::count_anew() {
  if (loop_.now() - second_ < second) return;
  second_ = loop_.now();
  visits_ = logged_ = 0;
}

bool Server::within_rate() {
  count_anew();
  return visits_++ < options_.visits_per_second;
}

bool Server::may_log() {
  count_anew();
  return logged_++ < lines_per_second;
}

void Server::leave(Visitor& visitor) {
  const auto entry = visitors_.find(&visitor);
  CHECK(entry != visitors_.end());
  gone_.push_back(std::move(entry->second));
  visitors_.erase(entry);
  loop_.defer(burial_);
}

void Server::bury() {
  gone_.clear();
  if (!shutting_down_ || !visitors_.empty() || !shut_down_done_) return;
  const auto done = std::exchange(shut_down_done_, nullptr);
  done();
}

void Server::shut_down(std::function<void()> done) {
  shutting_down_ = true;
  listeners_.clear();
  shut_down_done_ = std::move(done);
  for (const auto& each : visitors_) each.second->send_away("the service ends");
  if (visitors_.empty()) loop_.defer(burial_);
}

}  // namespace srpd::directory
