#include "transport/verbs/request.h"

#include <cerrno>

#include "base/check.h"
#include "base/log.h"
#include "transport/verbs/handoff.h"
#include "transport/verbs/rdma_endpoint.h"

namespace srpd::transport::verbs {
namespace {

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
  Accepted accepted{.shared = shared_,
                    .from = state_,
                    .endpoint = nullptr,
                    .device = std::move(device_),
                    .private_data = copy(private_data),
                    .parameters = parameters,
                    .depth = depth_,
                    .resources = resources_,
                    .peer = peer_,
                    .lost = lost_};
  if (id_ != nullptr) {
    set_handler(*id_, nullptr);
    accepted.endpoint = std::make_unique<RdmaEndpoint>(std::move(id_));
  }
  hand_off(std::move(accepted), home, established);
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
