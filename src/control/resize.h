// Another size for a backstore while hosts work on it, also in what is saved: with the old one
// there, the next start or reload would give hosts less than they have written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "control/saved_file.h"
#include "lio/engine.h"
#include "tree/tree.h"

namespace srpd::control {

/// `backstore`: its directory in the tree. 0 bytes: the size that is behind it now.
tree::Result<lio::Resized> resize(tree::Tree& tree, tree::Id backstore, std::uint64_t bytes,
                                  bool may_shrink);

/// As targetcli calls it: "/backstores/fileio/disk" of "target/core/fileio_0/disk".
std::string backstore_name(const std::string& backstore);

/// Writes the size that the tree gives to `backstore` ("target/core/...") into the saved
/// configuration and leaves the rest of that as it is. False: it is not in there.
Expected<bool> save_size(const tree::Tree& tree, const std::string& backstore, SavedFile& saved);

}  // namespace srpd::control
