// An outgoing connection: address, route, queue pair, then the exchange of the connection manager.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "runtime/loop.h"
#include "transport/verbs/channel.h"
#include "transport/verbs/cm.h"
#include "transport/verbs/shared.h"

namespace srpd::transport::verbs {

class VerbsConnector final : public Connector, private CmHandler {
 public:
  VerbsConnector(std::shared_ptr<Shared> shared, runtime::Loop& loop, const ConnectOptions& options,
                 Handler& handler);
  ~VerbsConnector() override;

 private:
  enum class Phase : std::uint8_t { starting, resolving, routing, connecting, finished };
  struct Alarm : runtime::Timer {
    explicit Alarm(VerbsConnector& owner)
        : Timer([](Timer& self) { static_cast<Alarm&>(self).connector.on_alarm(); }),
          connector(owner) {}
    VerbsConnector& connector;
  };

  void on_cm_event(const CmEvent& event) override;
  void on_alarm();
  void begin();
  void resolve_route();
  void connect();
  void established(const CmEvent& event);
  void rejected(const CmEvent& event);
  int milliseconds_left() const;
  void disengage();
  void fail(std::string cause, std::string remedy = {});

  const std::shared_ptr<Shared> shared_;
  runtime::Loop& loop_;
  Handler& handler_;
  const Address peer_;
  const std::optional<Address> source_;
  const std::vector<std::byte> private_data_;
  const ChannelParameters parameters_;
  const runtime::Time deadline_;
  std::shared_ptr<LoopState> state_;
  CmId id_;  // until the channel has it
  std::unique_ptr<VerbsChannel> channel_;
  Phase phase_ = Phase::starting;
  Alarm alarm_{*this};
};

}  // namespace srpd::transport::verbs
