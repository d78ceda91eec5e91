// What LIO's tools keep between calls, in a folder of ours: otherwise they would write over the
// saved configuration of the kernel's target and talk to its daemons.
#pragma once

#include <string>

#include "base/error.h"

namespace srpd::ns {

/// Where it is unless somebody says otherwise.
inline constexpr const char* default_state_directory = "/var/lib/srpd";

struct State {
  std::string saved;     ///< saveconfig.json and what belongs to it; the tools' /etc/target
  std::string settings;  ///< for TARGETCLI_HOME
  std::string run;       ///< in memory, and gone with the namespace
};

/// Makes what is missing. Absolute paths.
Expected<State> prepare_state(const std::string& directory);

/// For a private mount namespace: `saved` in place of those directories of the tools that the
/// machine has, and memory at `run`.
Expected<void> show_state(const State& state);

}  // namespace srpd::ns
