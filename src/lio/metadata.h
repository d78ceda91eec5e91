// ALUA states in files, for when the target comes back: <dbroot>/alua/..., only where the directory
// exists, or the place is the daemon's own.
#pragma once

#include <string>

#include "tree/change.h"
#include "tree/failure.h"

namespace srpd::lio {

class Model;

struct MetadataFile {
  std::string path;  ///< below <dbroot>/alua/
  std::string text;
};

/// Replaces the file. Runs unlocked; one that cannot be written is logged.
void write_metadata(tree::Change& change, const Model& model, const MetadataFile& file);

/// Removes the file, so that a later object of that name does not begin with it. Runs unlocked.
void forget_metadata(tree::Change& change, const Model& model, const std::string& path);

/// Where it is; empty: nowhere.
std::string place_of_metadata(const Model& model, const std::string& path);

}  // namespace srpd::lio
