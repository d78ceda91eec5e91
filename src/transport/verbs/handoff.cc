#include "transport/verbs/handoff.h"

#include <cerrno>
#include <utility>

#include "transport/verbs/channel.h"

namespace srpd::transport::verbs {
namespace {

// Lets go of a LoopState where that belongs.
struct Homecoming : runtime::Mail {
  explicit Homecoming(std::shared_ptr<LoopState> brought)
      : Mail([](Mail& self) { delete &static_cast<Homecoming&>(self); }),
        state(std::move(brought)) {}
  static void send(std::shared_ptr<LoopState> state) {
    if (state == nullptr) return;
    runtime::Loop& loop = state->loop();
    loop.post(*new Homecoming(std::move(state)));
  }
  const std::shared_ptr<LoopState> state;
};

struct Handoff : runtime::Mail {
  Handoff(Accepted what, runtime::Loop& where, ConnectRequest::Established& whom)
      : Mail([](Mail& self) { static_cast<Handoff&>(self).arrive(); }),
        accepted(std::move(what)),
        home(where),
        established(whom) {}

  void arrive() {
    const std::unique_ptr<Handoff> self(this);
    auto channel = accepted.lost.empty() ? make_channel() : failure("", accepted.lost);
    accepted.device.reset();
    accepted.endpoint.reset();
    Homecoming::send(std::move(accepted.from));
    if (channel) return established.on_channel(std::move(*channel));
    established.on_lost({CloseReason::Kind::peer_reset, channel.error().text()});
  }

  Expected<std::unique_ptr<Channel>> make_channel() {
    auto home_state = accepted.shared->loops.of(home, accepted.shared->devices);
    if (accepted.endpoint->move_to(*home_state) != 0)
      return failure(accepted.peer.text(),
                     "the connection cannot change loops: " + errno_text(errno));
    auto channel =
        VerbsChannel::make({accepted.shared, std::move(home_state), std::move(accepted.endpoint),
                            accepted.device, accepted.parameters});
    accepted.device.reset();
    if (!channel) return tl::unexpected<Error>(channel.error());
    if (auto done = (*channel)->accept(accepted.private_data, accepted.depth, accepted.resources);
        !done)
      return tl::unexpected<Error>(done.error());
    return std::move(*channel);
  }

  Accepted accepted;
  runtime::Loop& home;
  ConnectRequest::Established& established;
};

}  // namespace

void hand_off(Accepted accepted, runtime::Loop& home, ConnectRequest::Established& established) {
  home.post(*new Handoff(std::move(accepted), home, established));
}

}  // namespace srpd::transport::verbs
