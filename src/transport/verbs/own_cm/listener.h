// Listens at a service ID of any kind, such as the GUID that ib_srpt takes logins at, on every
// InfiniBand port that the kernel's connection manager leaves to us. Ports that come later, or are
// taken now, are tried again.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "runtime/bound.h"
#include "runtime/loop.h"
#include "transport/verbs/own_cm/agent.h"
#include "transport/verbs/shared.h"

namespace srpd::transport::verbs {

class OwnListener final : public Listener, private Agent::Service {
 public:
  /// `address`: of our own connection manager.
  OwnListener(std::shared_ptr<Shared> shared, runtime::Loop& loop, const Address& address,
              Handler& handler, MadPorts& ports);
  ~OwnListener() override;
  const Address& address() const override { return address_; }

 private:
  void look();
  void open(const PortName& port);
  void on_request(Agent& agent, ibcm::Handle handle, const ibcm::Request& request) override;
  void on_lost(Agent& agent) override;

  const std::shared_ptr<Shared> shared_;
  runtime::Loop& loop_;
  const Address address_;
  const std::uint64_t service_;
  Handler& handler_;
  MadPorts& ports_;
  std::map<PortName, std::shared_ptr<Agent>> agents_;
  std::map<PortName, std::string> complaints_;  // what was said of ports that cannot be used
  bool told_none_ = false;
  runtime::Bound<runtime::Timer, OwnListener, &OwnListener::look> timer_{*this};
};

}  // namespace srpd::transport::verbs
