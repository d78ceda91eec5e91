#include "transport/verbs/request.h"

#include <cerrno>

#include "base/check.h"
#include "base/log.h"
#include "transport/verbs/channel.h"

namespace srpd::transport::verbs {
namespace {

// Lets go of a LoopState where that belongs.
struct Homecoming : runtime::Mail {
  explicit Homecoming(std::shared_ptr<LoopState> brought)
      : Mail([](Mail& self) { delete &static_cast<Homecoming&>(self); }),
        state(std::move(brought)) {}
  static void send(std::shared_ptr<LoopState> state) {
    runtime::Loop& loop = state->loop();
    loop.post(*new Homecoming(std::move(state)));
  }
  const std::shared_ptr<LoopState> state;
};

// The accepted connection on its way to its home loop, where the queue pair is made: from then on
// IUs may arrive.
struct Handoff : runtime::Mail {
  Handoff() : Mail([](Mail& self) { static_cast<Handoff&>(self).arrive(); }) {}

  void arrive() {
    const std::unique_ptr<Handoff> self(this);
    auto channel = lost.empty() ? make_channel() : failure("", lost);
    device.reset();
    id.reset();
    Homecoming::send(std::move(from));
    if (channel) return established->on_channel(std::move(*channel));
    established->on_lost({CloseReason::Kind::peer_reset, channel.error().text()});
  }

  Expected<std::unique_ptr<Channel>> make_channel() {
    auto home_state = shared->loops.of(*home, shared->devices);
    if (!home_state) return tl::unexpected<Error>(home_state.error());
    if (!(*home_state)->adopt(*id))
      return failure(peer.text(), "the connection cannot change loops: " + errno_text(errno));
    auto channel =
        VerbsChannel::make({shared, std::move(*home_state), std::move(id), device, parameters});
    device.reset();
    if (!channel) return tl::unexpected<Error>(channel.error());
    if (auto accepted = (*channel)->accept(private_data, depth, resources); !accepted)
      return tl::unexpected<Error>(accepted.error());
    return std::move(*channel);
  }

  std::shared_ptr<Shared> shared;
  std::shared_ptr<LoopState> from;  // of the listener; the id belongs there until it is adopted
  CmId id;
  std::shared_ptr<Device> device;
  std::vector<std::byte> private_data;
  ChannelParameters parameters;
  std::uint32_t depth = 0;
  std::uint32_t resources = 0;
  Address peer;
  std::string lost;
  runtime::Loop* home = nullptr;
  ConnectRequest::Established* established = nullptr;
};

std::vector<std::byte> copy(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace

VerbsRequest::VerbsRequest(std::shared_ptr<Shared> shared, std::shared_ptr<LoopState> state,
                           std::shared_ptr<Device> device, const CmEvent& event)
    : shared_(std::move(shared)),
      state_(std::move(state)),
      id_(event.id),
      device_(std::move(device)),
      private_data_(copy(event.private_data())),
      peer_(peer_address(*id_)),
      local_(local_address(*id_)),
      form_(local_.login_form()),
      iwarp_(device_->iwarp()),
      depth_(event.parameters.initiator_depth),
      resources_(event.parameters.responder_resources) {
  set_handler(*id_, this);
}

// The host, or the device, went away while the login was being decided about.
void VerbsRequest::on_cm_event(const CmEvent& event) {
  lost_ = describe(event);
  device_.reset();
  id_.reset();
}

void VerbsRequest::accept(std::span<const std::byte> private_data,
                          const ChannelParameters& parameters, runtime::Loop& home,
                          Established& established) {
  CHECK(id_ != nullptr || !lost_.empty());
  auto* const handoff = new Handoff;
  handoff->shared = shared_;
  handoff->from = state_;
  handoff->lost = lost_;
  if (id_ != nullptr) set_handler(*id_, nullptr);
  handoff->id = std::move(id_);
  handoff->device = std::move(device_);
  handoff->private_data = copy(private_data);
  handoff->parameters = parameters;
  handoff->depth = depth_;
  handoff->resources = resources_;
  handoff->peer = peer_;
  handoff->home = &home;
  handoff->established = &established;
  home.post(*handoff);
}

void VerbsRequest::reject(std::span<const std::byte> private_data) {
  if (id_ == nullptr) return;
  set_handler(*id_, nullptr);
  if (::rdma_reject(id_.get(), private_data.data(),
                    static_cast<std::uint8_t>(private_data.size())) != 0)
    log::debug("{}: the rejection did not leave: {}", peer_.text(), errno_text(errno));
  device_.reset();
  id_.reset();
}

}  // namespace srpd::transport::verbs
