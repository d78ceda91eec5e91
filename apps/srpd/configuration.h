// What the command line asks to serve.
#pragma once

#include "base/error.h"
#include "control/saveconfig.h"
#include "srpd/options.h"

namespace srpd::app {

/// From the disks on the command line or from the file of --config. Problems of a file are returned
/// with the rest of it; a mistake on the command line is an error.
Expected<control::SavedConfiguration> configuration_from(const Options& options);

/// For --check-config: files that serving would make are looked at as if they were there.
void avoid_creating_files(control::Configuration& configuration);

}  // namespace srpd::app
