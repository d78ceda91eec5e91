// Makes the tree what a saveconfig.json says, by the operations that rtslib does: nothing can be
// restored that could not be made by hand.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "control/json_reader.h"
#include "control/model.h"
#include "tree/tree.h"

namespace srpd::control {

/// Where the SCSI device behind a path is, "HOST:CHANNEL:TARGET:LUN"; nothing when there is none.
using ScsiAddress = std::function<std::optional<std::string>(const std::string& path)>;
/// As sysfs says; an address is its own.
std::optional<std::string> scsi_address(const std::string& path);

/// What is done with objects that are there already.
enum class Existing : std::uint8_t {
  refuse,  ///< they stay as they are, which is a problem
  extend,  ///< what is named in them is made or written; `enable` is written where it is named
  adjust,  ///< as above, and a tpg without `enable` is disabled
};

/// Adds to what is there. What cannot be made is reported and the rest goes on, as with targetctl.
/// Fails only where nothing can be made of `text`. Lists are made from their end, so that saving
/// gives the same text again.
Expected<Problems> restore_tree(tree::Tree& tree, std::string_view text,
                                const ScsiAddress& address = scsi_address);
/// As above, of a file that has been parsed.
Expected<Problems> restore_tree(tree::Tree& tree, const Json& json, Existing existing,
                                const ScsiAddress& address = scsi_address);

}  // namespace srpd::control
