// A host that asks our own connection manager to be let in.
#pragma once

#include <memory>
#include <vector>

#include "transport/verbs/own_cm/agent.h"
#include "transport/verbs/shared.h"

namespace srpd::transport::verbs {

class OwnRequest final : public ConnectRequest, private CmHandler {
 public:
  /// On the agent's loop.
  OwnRequest(std::shared_ptr<Shared> shared, std::shared_ptr<Agent> agent, runtime::Loop& loop,
             std::shared_ptr<ibv_context> context, std::shared_ptr<Device> device,
             ibcm::Handle handle, const ibcm::Request& request);
  ~OwnRequest() override;

  std::span<const std::byte> private_data() const override { return request_.private_data; }
  const Address& peer() const override { return peer_; }
  const Address& local() const override { return local_; }
  LoginForm login_form() const override { return LoginForm::ib_cm; }
  std::string_view transport() const override { return "verbs"; }
  bool address_is_identity() const override { return false; }
  void accept(std::span<const std::byte> private_data, const ChannelParameters& parameters,
              runtime::Loop& home, Established& established) override;
  void reject(std::span<const std::byte> private_data) override;

 private:
  void on_cm_event(const CmEvent& event) override;

  const std::shared_ptr<Shared> shared_;
  const std::shared_ptr<Agent> agent_;
  std::shared_ptr<ibv_context> context_;  // goes behind the device
  std::shared_ptr<Device> device_;
  const ibcm::Handle handle_;
  const ibcm::Request request_;
  const Address peer_;
  const Address local_;
  const std::shared_ptr<EventSink> sink_ = std::make_shared<EventSink>();
  std::string lost_;  // why, before it was decided about
};

}  // namespace srpd::transport::verbs
