// Runs a command and serves its bus meanwhile.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace srpd::ns {

class Bus;

/// Returns its exit status; 128 and the number of the signal that ended it, as a shell says it.
/// SIGTERM and SIGHUP are passed on to it; those of the terminal reach it by themselves. `bus` may
/// be null.
Expected<int> run(const std::vector<std::string>& command, Bus* bus);

}  // namespace srpd::ns
