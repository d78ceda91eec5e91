// LIO's device attributes by name.
#pragma once

#include "base/error.h"
#include "control/model.h"
#include "scsi/lu.h"
#include "store/protection.h"

namespace srpd::control {

/// Sets one attribute of a unit that stands on a store with `properties`. An error tells what was
/// not done and why; `attributes` is then as before. Attributes that LIO has and srpd does not
/// serve are accepted at LIO's default value, where they change nothing.
Expected<void> apply_attribute(scsi::LuAttributes& attributes, const AttributeSetting& setting,
                               const store::Properties& properties);

/// What pi_prot_type and pi_prot_verify ask for.
store::Protection protection_of(const StorageObject& object);

}  // namespace srpd::control
