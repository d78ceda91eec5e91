// Our own connection manager at one port, on one loop: brings together the rules (ibcm), the port's
// MADs, time, and the connections, which live on any loop.
#pragma once

#include <infiniband/verbs.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ibcm/manager.h"
#include "runtime/bound.h"
#include "runtime/loop.h"
#include "transport/verbs/cm.h"
#include "transport/verbs/own_cm/mad_port.h"

namespace srpd::transport::verbs {

/// Where the events of a connection go: to `handler`, on one loop, none while that is null.
struct EventSink {
  CmHandler* handler = nullptr;
};

class Agent final : public std::enable_shared_from_this<Agent>,
                    runtime::Watch,
                    ibcm::Manager::Port {
 public:
  /// On the agent's loop.
  class Service {
   public:
    /// To be decided about by accept() or reject().
    virtual void on_request(Agent& agent, ibcm::Handle handle, const ibcm::Request& request) = 0;
    /// The port has gone.
    virtual void on_lost(Agent& agent) = 0;

   protected:
    ~Service() = default;
  };

  /// Let go of on any loop.
  static Expected<std::shared_ptr<Agent>> open(runtime::Loop& loop, MadPorts& ports,
                                               const PortName& name, std::uint64_t ca_guid);

  const PortName& name() const { return name_; }
  /// The device, opened: as long as somebody uses it, since its removal waits for that. Null, with
  /// errno set, when it cannot be opened.
  std::shared_ptr<ibv_context> context();

  // On the agent's loop.
  void add(std::uint64_t id, Service& service);
  void remove(std::uint64_t id);
  /// Events of the connection go there from now on. One that is over says so.
  void route(ibcm::Handle handle, runtime::Loop& to, std::shared_ptr<EventSink> sink);
  void reject(ibcm::Handle handle, ibcm::Reason reason, std::span<const std::byte> private_data);

  // On any loop.
  /// `answer` without private data. Events go to `sink` on `home`.
  void accept(ibcm::Handle handle, const ibcm::Answer& answer, std::vector<std::byte> private_data,
              runtime::Loop& home, std::shared_ptr<EventSink> sink);
  void data_arrived(ibcm::Handle handle);
  void disconnect(ibcm::Handle handle);

 private:
  struct Route {
    runtime::Loop* loop;
    std::shared_ptr<EventSink> sink;
  };

  Agent(runtime::Loop& loop, PortName name, std::unique_ptr<MadPort> port,
        const ibcm::Manager::Options& options);
  ~Agent();
  static void let_go(Agent* agent);

  void later(std::function<void(Agent&)> what);
  void tell(const Route& route, rdma_cm_event_type what);
  void expire();
  void start_timer();
  void lose();

  void on_ready(std::uint32_t events) override;
  void send(const ibcm::Mad& mad, const ibcm::ReturnAddress& to) override;
  void on_request(ibcm::Handle handle, const ibcm::Request& request) override;
  void on_established(ibcm::Handle handle) override;
  void on_end(ibcm::Handle handle, ibcm::End end) override;

  runtime::Loop& loop_;
  const PortName name_;
  std::unique_ptr<MadPort> port_;  // null: lost
  ibcm::Manager manager_;
  std::map<std::uint64_t, Service*> services_;
  std::map<ibcm::Handle, Route> routes_;
  std::weak_ptr<ibv_context> context_;
  runtime::Bound<runtime::Timer, Agent, &Agent::expire> timer_{*this};
};

}  // namespace srpd::transport::verbs
