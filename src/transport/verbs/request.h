// A host that asks to be let in.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "transport/verbs/cm.h"
#include "transport/verbs/loop_state.h"
#include "transport/verbs/shared.h"

namespace srpd::transport::verbs {

class VerbsRequest final : public ConnectRequest, private CmHandler {
 public:
  /// Takes over event.id.
  VerbsRequest(std::shared_ptr<Shared> shared, std::shared_ptr<LoopState> state,
               std::shared_ptr<Device> device, const CmEvent& event);

  std::span<const std::byte> private_data() const override { return private_data_; }
  const Address& peer() const override { return peer_; }
  const Address& local() const override { return local_; }
  LoginForm login_form() const override { return form_; }
  std::string_view transport() const override { return "verbs"; }
  /// Every iWARP host of Linux calls itself all zero.
  bool address_is_identity() const override { return iwarp_; }
  void accept(std::span<const std::byte> private_data, const ChannelParameters& parameters,
              runtime::Loop& home, Established& established) override;
  void reject(std::span<const std::byte> private_data) override;

 private:
  void on_cm_event(const CmEvent& event) override;

  const std::shared_ptr<Shared> shared_;
  const std::shared_ptr<LoopState> state_;
  CmId id_;
  std::shared_ptr<Device> device_;
  const std::vector<std::byte> private_data_;
  const Address peer_;
  const Address local_;
  const LoginForm form_;
  const bool iwarp_;
  const std::uint32_t depth_;
  const std::uint32_t resources_;
  std::string lost_;  ///< why, before it was decided about
};

}  // namespace srpd::transport::verbs
