// What srpd says about itself when asked (SIGUSR1): who is logged in, and who was refused and why.
#pragma once

#include "runtime/loop.h"
#include "target/target.h"

namespace srpd::app {

/// Writes the sessions and the refused logins of `target` to the log, at any log level, once all
/// loops have answered. On `home`, its loops[0]; both must live until then.
void log_status(target::Target& target, runtime::Loop& home);

}  // namespace srpd::app
