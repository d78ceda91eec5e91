// Makes units and target ports of a configuration.
#pragma once

#include <memory>
#include <vector>

#include "control/model.h"
#include "runtime/loop.h"
#include "scsi/lu.h"
#include "target/port.h"

namespace srpd::control {

/// What is served. The ports share the units.
struct Built {
  std::vector<std::shared_ptr<scsi::Lu>> units;
  std::vector<target::PortDescription> ports;
  Problems problems;
};

/// Whatever cannot be built is named in the problems and left out; the rest is served. `machine` is
/// the seed of derived identities. The units are destroyed on the thread of `home`.
Built build(const Configuration& configuration, std::string_view machine, runtime::Loop& home);

}  // namespace srpd::control
