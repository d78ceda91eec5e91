#include "transport/verbs/own_cm/request.h"

#include <utility>

#include "transport/verbs/handoff.h"
#include "transport/verbs/own_cm/endpoint.h"

namespace srpd::transport::verbs {

OwnRequest::OwnRequest(std::shared_ptr<Shared> shared, std::shared_ptr<Agent> agent,
                       runtime::Loop& loop, std::shared_ptr<ibv_context> context,
                       std::shared_ptr<Device> device, ibcm::Handle handle,
                       const ibcm::Request& request)
    : shared_(std::move(shared)),
      agent_(std::move(agent)),
      context_(std::move(context)),
      device_(std::move(device)),
      handle_(handle),
      request_(request),
      peer_(requester_of(request)),
      local_(responder_of(request)) {
  sink_->handler = this;
  agent_->route(handle_, loop, sink_);
}

OwnRequest::~OwnRequest() { sink_->handler = nullptr; }

// The host, or the port, went away while the login was being decided about.
void OwnRequest::on_cm_event(const CmEvent& event) {
  lost_ = describe(event);
  device_.reset();
  context_.reset();
}

void OwnRequest::accept(std::span<const std::byte> private_data,
                        const ChannelParameters& parameters, runtime::Loop& home,
                        Established& established) {
  sink_->handler = nullptr;
  Accepted accepted{.shared = shared_,
                    .from = nullptr,
                    .endpoint = nullptr,
                    .device = std::move(device_),
                    .private_data = {private_data.begin(), private_data.end()},
                    .parameters = parameters,
                    // What one end takes the other may have under way.
                    .depth = request_.responder_resources,
                    .resources = request_.initiator_depth,
                    .peer = peer_,
                    .lost = lost_};
  if (context_ != nullptr)
    accepted.endpoint =
        std::make_unique<OwnEndpoint>(agent_, std::move(context_), handle_, request_);
  hand_off(std::move(accepted), home, established);
}

void OwnRequest::reject(std::span<const std::byte> private_data) {
  sink_->handler = nullptr;
  agent_->reject(handle_, ibcm::Reason::consumer_defined, private_data);
  device_.reset();
  context_.reset();
}

}  // namespace srpd::transport::verbs
