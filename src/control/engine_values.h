// LIO's words for devices and ports, and those of the stores, units and ports that serve them.
#pragma once

#include <string>
#include <vector>

#include "lio/engine.h"
#include "scsi/lu.h"
#include "scsi/target_port_groups.h"
#include "store/backstore.h"
#include "store/protection.h"
#include "store/specification.h"
#include "target/port.h"

namespace srpd::control {

/// A handler of user devices that is not there: ENODEV.
lio::Result<store::Specification> store_specification(const lio::DeviceSpec& spec);

/// LIO's properties of such a device, with what the open store knows better.
lio::DeviceProperties device_properties(const lio::DeviceSpec& spec, store::Backstore& store);

/// What a device that has come says about itself, in place of what was assumed while it was
/// missing.
void adapt(lio::DeviceAttributes& attributes, const lio::DeviceProperties& properties);
/// Of pass-through devices: they say themselves who they are.
void take_over(const lio::DeviceProperties& properties, lio::Identity& identity);

/// Protection information as the attributes want it for blocks of such a store.
store::Protection protection_of(const lio::DeviceAttributes& attributes,
                                const store::Backstore& store);
bool same_protection(const lio::DeviceAttributes& a, const lio::DeviceAttributes& b);

scsi::LuAttributes unit_attributes(const lio::DeviceAttributes& attributes,
                                   const store::Backstore& store);

scsi::TargetPortGroup target_port_group(const lio::PortGroupState& group);
scsi::PortAccess port_access(const lio::LunAccess& access);
std::vector<lio::AccessChange> access_changes(const std::vector<scsi::AccessChange>& changes);

scsi::LuIdentity unit_identity(const std::string& name, const lio::Identity& identity);

lio::Counters counters_of(const scsi::IoCount& count);
/// With its task management functions.
lio::Counters counters_of(const scsi::Lu& unit);
lio::Counters& operator+=(lio::Counters& all, const lio::Counters& more);

target::PortLimits port_limits(const lio::PortSettings& settings);

}  // namespace srpd::control
