// What a SCSI device calls itself, in the words of LIO's wwn/vpd_ attributes.
#pragma once

#include <span>

#include "lio/device_spec.h"
#include "store/designators.h"

namespace srpd::control {

/// Fills in the vpd_ members. LIO leaves out a designator of a type or code set that it has no name
/// for.
void describe_designators(std::span<const store::Designator> designators,
                          lio::DeviceProperties& properties);

}  // namespace srpd::control
