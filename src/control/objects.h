// What there is, in few words for each: what ls, status and completion show. One pass over the
// tree, whatever its size.
#pragma once

#include "control/json_reader.h"
#include "tree/tree.h"

namespace srpd::control {

/// {"backstores": [{"plugin", "name", "path", "enabled", "luns": how many show it, "size",
/// "where": its file or device, "info": more in a few words, "groups": [{"name", "state"}]}],
///  "targets": [{"wwn", "path", "tpgs": [{"tag", "path", "enabled",
///    "luns": [{"index", "path", "object", "group"}],
///    "acls": [{"initiator", "path", "tag", "luns": [{"index", "path", "lun", "object",
///    "write_protect"}]}]}]}]}
/// Names are those of saveconfig.json, paths those of the tree; everything in the order of its
/// name. What is not there yet (the device of a LUN) is null.
Json objects(const tree::Tree& tree);

}  // namespace srpd::control
