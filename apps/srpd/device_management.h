// Device Management for InfiniBand hosts: what ibsrpdm and srp_daemon ask for.
#pragma once

#include <memory>
#include <vector>

#include "base/error.h"
#include "dm/agents.h"
#include "srpd/options.h"
#include "target/target.h"
#include "transport/transport.h"

namespace srpd::app {

/// Whether --device-management says something that can be done. Before anything is served.
Expected<void> check_device_management(const Options& options);

/// The agents of the machine's InfiniBand ports, once there is something to offer.
class DeviceManagement {
 public:
  /// `options` outlives it.
  explicit DeviceManagement(const Options& options) : options_(options) {}

  /// The enabled ones of the target ports from now on, reached at the services of the InfiniBand
  /// listeners, or at the one of the option.
  void serve(const std::vector<target::PortInfo>& ports,
             const std::vector<transport::Address>& listening);

 private:
  const Options& options_;
  std::unique_ptr<dm::Agents> agents_;
};

}  // namespace srpd::app
