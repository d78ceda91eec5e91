// The in-process transport: for simulation and tests. Connections run between loops of one process
// (also a single one), faults come from a FaultPlan. Deterministic when its loops are.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "transport/local/fault_plan.h"
#include "transport/transport.h"

namespace srpd::transport {

/// Outlives its listeners, connectors and channels. Addresses are "local:NAME".
class LocalTransport final : public Transport {
 public:
  explicit LocalTransport(FaultPlan plan = {}) : plan_(std::move(plan)) {}

  std::string_view name() const override { return "local"; }
  Expected<std::unique_ptr<Listener>> listen(runtime::Loop& loop, const Address& address,
                                             Listener::Handler& handler) override;
  std::unique_ptr<Connector> connect(runtime::Loop& loop, const ConnectOptions& options,
                                     Connector::Handler& handler) override;

  static Address address(std::string_view name);

  const FaultPlan& plan() const { return plan_; }
  /// Changes the faults of what happens from now on, such as none at the end of a run. Only while
  /// one thread runs all loops.
  FaultPlan& plan() { return plan_; }

 private:
  friend class LocalListener;
  friend struct Dial;
  struct Endpoint {
    runtime::Loop* loop;
    Listener::Handler* handler;
  };

  FaultPlan plan_;
  std::atomic<std::uint64_t> connections_{0};
  std::mutex mutex_;
  std::map<std::string, Endpoint, std::less<>> endpoints_;
};

}  // namespace srpd::transport
