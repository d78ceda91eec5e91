// A peer that has sent a complete MPA Request and waits for the Reply.
#pragma once

#include <memory>
#include <vector>

#include "transport/iwarp/negotiation.h"
#include "transport/iwarp/shared.h"
#include "transport/iwarp/socket.h"
#include "transport/transport.h"

namespace srpd::transport::iwarp {

class IwarpRequest final : public ConnectRequest {
 public:
  /// `private_data` is copied.
  IwarpRequest(std::shared_ptr<Shared> shared, Socket socket, const MpaSetup& request,
               std::span<const std::byte> private_data);

  std::span<const std::byte> private_data() const override { return private_data_; }
  const Address& peer() const override { return peer_; }
  const Address& local() const override { return local_; }
  LoginForm login_form() const override { return LoginForm::rdma_cm; }
  std::string_view transport() const override { return "iwarp"; }
  bool address_is_identity() const override { return true; }
  void accept(std::span<const std::byte> private_data, const ChannelParameters& parameters,
              runtime::Loop& home, Established& established) override;
  void reject(std::span<const std::byte> private_data) override;

 private:
  const std::shared_ptr<Shared> shared_;
  Socket socket_;
  const MpaSetup request_;
  const std::vector<std::byte> private_data_;
  const Address peer_;
  const Address local_;
};

/// Sends a Reply that refuses, then FIN.
void send_rejection(Socket& socket, const MpaSetup& request,
                    std::span<const std::byte> private_data);

}  // namespace srpd::transport::iwarp
