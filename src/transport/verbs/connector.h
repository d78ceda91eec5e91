// An outgoing connection: address, route, queue pair, then the exchange of the connection manager.
#pragma once

#include <memory>
#include <string>

#include "runtime/loop.h"
#include "transport/connector_base.h"
#include "transport/verbs/channel.h"
#include "transport/verbs/cm.h"
#include "transport/verbs/shared.h"

namespace srpd::transport::verbs {

class VerbsConnector final : public ConnectorBase<VerbsConnector>, private CmHandler {
 public:
  VerbsConnector(std::shared_ptr<Shared> shared, runtime::Loop& loop, const ConnectOptions& options,
                 Handler& handler);
  ~VerbsConnector() override;

 private:
  friend class ConnectorBase<VerbsConnector>;
  enum class Phase : std::uint8_t { starting, resolving, routing, connecting, finished };
  void on_cm_event(const CmEvent& event) override;
  void begin();
  void timed_out();
  void resolve_route();
  void connect();
  void established(const CmEvent& event);
  void rejected(const CmEvent& event);
  int milliseconds_left() const;
  void disengage();
  void fail(std::string cause, std::string remedy = {});

  const std::shared_ptr<Shared> shared_;
  std::shared_ptr<LoopState> state_;
  CmId id_;  // until the channel has it
  std::unique_ptr<VerbsChannel> channel_;
  Phase phase_ = Phase::starting;
};

}  // namespace srpd::transport::verbs
