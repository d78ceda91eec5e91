// Device Management for InfiniBand hosts: what ibsrpdm and srp_daemon ask for.
#pragma once

#include <memory>
#include <vector>

#include "base/error.h"
#include "control/build.h"
#include "dm/agents.h"
#include "srpd/options.h"
#include "transport/transport.h"

namespace srpd::app {

/// Whether --device-management says something that can be done. Before anything is served.
Expected<void> check_device_management(const Options& options);

/// The agents for the enabled target ports and the services they are reached at: those of the
/// InfiniBand listeners, or the one of the option. Null where there are none, or none are wanted.
std::unique_ptr<dm::Agents> answer_device_management(
    const Options& options, const control::Built& built,
    const std::vector<transport::Address>& listening);

}  // namespace srpd::app
