// ALUA states in files, for when the target comes back: <dbroot>/alua/..., only where the directory
// exists.
#pragma once

#include <string>

#include "tree/change.h"

namespace srpd::lio {

class Model;

/// Replaces <dbroot>/alua/`path`. Runs unlocked; a file that cannot be written is logged.
void write_metadata(tree::Change& change, const Model& model, const std::string& path,
                    const std::string& text);

}  // namespace srpd::lio
