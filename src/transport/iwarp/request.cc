#include "transport/iwarp/request.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/check.h"
#include "transport/iwarp/channel.h"

namespace srpd::transport::iwarp {
namespace {

// The accepted connection on its way to its home loop, where the Reply is sent: from then on FPDUs
// may arrive.
struct Handoff : runtime::Mail {
  Handoff() : Mail([](Mail& self) { static_cast<Handoff&>(self).arrive(); }) {}

  void arrive() {
    const std::unique_ptr<Handoff> self(this);
    const ssize_t sent =
        ::send(socket.fd(), reply.data(), reply_length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(reply_length)) {
      const std::string cause = sent < 0 ? errno_text(errno) : "the socket took a part only";
      established->on_lost({CloseReason::Kind::peer_reset, "MPA Reply not sent: " + cause});
      return;
    }
    established->on_channel(
        std::make_unique<IwarpChannel>(*home, shared->loops.of(*home), std::move(socket),
                                       IwarpChannel::Setup{IwarpChannel::Role::responder, agreement,
                                                           parameters, shared->options}));
  }

  std::shared_ptr<Shared> shared;
  Socket socket;
  FrameBuffer reply;
  std::size_t reply_length = 0;
  Agreement agreement;
  ChannelParameters parameters;
  runtime::Loop* home = nullptr;
  ConnectRequest::Established* established = nullptr;
};

}  // namespace

IwarpRequest::IwarpRequest(std::shared_ptr<Shared> shared, Socket socket, const MpaSetup& request,
                           std::span<const std::byte> private_data)
    : shared_(std::move(shared)),
      socket_(std::move(socket)),
      request_(request),
      private_data_(private_data.begin(), private_data.end()),
      peer_(socket_.peer_address()),
      local_(socket_.local_address()) {}

void IwarpRequest::accept(std::span<const std::byte> private_data,
                          const ChannelParameters& parameters, runtime::Loop& home,
                          Established& established) {
  CHECK(socket_);
  // The listener has refused what respond() would refuse.
  const Response response = respond(
      request_, {shared_->options.crc, parameters.inbound_reads, parameters.outbound_reads});
  auto* const handoff = new Handoff;
  handoff->shared = shared_;
  handoff->socket = std::move(socket_);
  handoff->reply_length =
      encode_frame(FrameKind::reply, response.reply, private_data, handoff->reply);
  CHECK(handoff->reply_length > 0);
  handoff->agreement = response.agreement;
  handoff->parameters = parameters;
  handoff->home = &home;
  handoff->established = &established;
  home.post(*handoff);
}

void IwarpRequest::reject(std::span<const std::byte> private_data) {
  CHECK(socket_);
  send_rejection(socket_, request_, private_data);
  socket_ = Socket();
}

void send_rejection(Socket& socket, const MpaSetup& request,
                    std::span<const std::byte> private_data) {
  FrameBuffer reply;
  const std::size_t length =
      encode_frame(FrameKind::reply, rejection(request), private_data, reply);
  CHECK(length > 0);
  // A peer that is gone already does not mind.
  static_cast<void>(::send(socket.fd(), reply.data(), length, MSG_DONTWAIT | MSG_NOSIGNAL));
  socket.shut_down();
}

}  // namespace srpd::transport::iwarp
