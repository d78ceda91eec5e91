// What everything made by one transport has in common.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "transport/verbs/device.h"
#include "transport/verbs/lent_memories.h"
#include "transport/verbs/loop_state.h"
#include "transport/verbs/options.h"
#include "transport/verbs/own_cm/mad_port.h"

namespace srpd::transport::verbs {

class Agent;

struct Shared {
  explicit Shared(const VerbsOptions& set) : options(set) {}
  const VerbsOptions options;
  Devices devices;
  LoopStates loops;
  // Of our own connection manager; used on the loop of its listeners.
  const std::unique_ptr<MadPorts> ports = make_umad_ports();
  std::map<PortName, std::weak_ptr<Agent>> agents;
  const std::shared_ptr<LentMemories> lent = std::make_shared<LentMemories>();
  // Of accepted connections; complete before the first listener.
  std::vector<runtime::Loop*> homes;
};

}  // namespace srpd::transport::verbs
