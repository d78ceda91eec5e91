#include "directory/query.h"

#include <utility>

namespace srpd::directory {
namespace {

constexpr std::uint32_t receive_count = 4;

}  // namespace

Query::Request::Request(Query& owner)
    : SendWork([](runtime::Completion& self) { static_cast<Request&>(self).query.sent(); }),
      query(owner) {}

Query::Query(runtime::Loop& loop, transport::Transport& transport,
             const transport::Address& address, std::chrono::milliseconds timeout, Done done)
    : loop_(loop), object_("discovery service " + address.text()), done_(std::move(done)) {
  const auto hello = build_hello();
  transport::ConnectOptions options;
  options.peer = address;
  options.private_data = wire::bytes_of(hello);
  options.parameters.max_receive_iu = wire::mad::size;
  options.parameters.receive_count = receive_count;
  options.parameters.outbound_reads = 0;
  options.timeout = timeout;
  loop_.start_timer(alarm_, loop_.now() + timeout);
  connector_ = transport.connect(loop_, options, *this);
}

Query::~Query() {
  loop_.cancel_timer(alarm_);
  loop_.cancel_deferred(report_);
}

void Query::on_connected(std::unique_ptr<transport::Channel> channel,
                         std::span<const std::byte> private_data) {
  channel_ = std::move(channel);
  channel_->start(*this);
  if (parse_welcome(private_data)) return ask();
  failure_ = {{object_, "what is there takes connections but is no discovery service",
               "give the port of the target, or that of its discovery service with "
               "--discovery-port"},
              false};
  end("no discovery service");
}

void Query::on_rejected(std::span<const std::byte> private_data) {
  failure_ = {explain_rejection(private_data, object_), false};
  ended_ = true;
  loop_.defer(report_);
}

void Query::on_failed(const Error& error) {
  const bool refused = error.cause.find("refused") != std::string::npos;
  failure_ = {{object_, error.cause, error.remedy}, refused};
  ended_ = true;
  loop_.defer(report_);
}

void Query::ask() {
  if (sending_) {
    ask_after_ = true;
    return;
  }
  const auto next = inquiry_.request();
  if (!next) return end("everything is known");
  request_.mad = *next;
  request_.iu = request_.mad;
  request_.reset();
  sending_ = true;
  channel_->send(request_);
}

void Query::sent() {
  sending_ = false;
  if (std::exchange(ask_after_, false) && !ended_) ask();
}

void Query::on_iu(transport::Iu& iu) {
  const auto taken = ended_ ? Expected<void>{} : inquiry_.take(iu.bytes());
  channel_->release(iu);
  if (ended_) return;
  if (taken) return ask();
  failure_ = {{object_, taken.error().text(), ""}, false};
  end("a wrong answer");
}

void Query::on_closed(const transport::CloseReason& reason) {
  if (!ended_ && !failure_)
    failure_ = {
        {object_, "the connection ended before everything was told: " + reason.text, "try again"},
        false};
  ended_ = true;
  loop_.defer(report_);
}

void Query::expired() {
  if (ended_) return;
  failure_ = {{object_, "no answer in time", "check the address, the network and the firewall"},
              false};
  connector_.reset();
  if (channel_ != nullptr) return end("no answer in time");
  ended_ = true;
  loop_.defer(report_);
}

void Query::end(std::string_view why) {
  ended_ = true;
  channel_->disconnect(why);
}

void Query::report() {
  const Done done = std::move(done_);
  Result result = failure_ ? Result(tl::unexpect, *failure_) : Result(inquiry_.listing());
  done(std::move(result));
}

}  // namespace srpd::directory
