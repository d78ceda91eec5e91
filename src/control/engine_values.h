// LIO's words for devices and ports, and those of the stores, units and ports that serve them.
#pragma once

#include <string>

#include "lio/engine.h"
#include "scsi/lu.h"
#include "store/backstore.h"
#include "store/specification.h"
#include "target/port.h"

namespace srpd::control {

/// A plugin that is not served: ENODEV.
lio::Result<store::Specification> store_specification(const lio::DeviceSpec& spec);

/// LIO's properties of such a device, with what the open store knows better.
lio::DeviceProperties device_properties(const lio::DeviceSpec& spec, const store::Backstore& store);

scsi::LuAttributes unit_attributes(const lio::DeviceAttributes& attributes,
                                   const store::Backstore& store);

scsi::LuIdentity unit_identity(const std::string& name, const lio::Identity& identity);

target::PortLimits port_limits(const lio::PortSettings& settings);

}  // namespace srpd::control
