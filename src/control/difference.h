// What tells one configuration from another, both in the form of saveconfig.json. Lists are
// compared as sets: their order means nothing to hosts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/json_reader.h"
#include "control/model.h"

namespace srpd::control {

struct Difference {
  enum class Action : std::uint8_t {
    remove,
    create,
    replace,  ///< `member` cannot change while the object is there: it goes, and comes again
    set,      ///< of `member`
  };
  Action action = Action::set;
  std::string object;  ///< "/backstores/fileio/disk", "/srpt/ib.0123/luns/lun0"
  std::string member = {};
  std::string from = {}, to = {};
  /// Of an object that goes, from the root of the tree: "target/srpt/...". Empty for a device,
  /// whose directory has a number that is not saved.
  std::string path = {};
};
std::string_view action_name(Difference::Action action);

/// What has to happen to `have` so that it becomes `wanted`, in an order in which it can: what goes
/// first, and before it what refers to it. Members that `wanted` does not name are left as they
/// are. Both have passed check_configuration().
std::vector<Difference> differences(const Json& have, const Json& wanted);

/// Whether it can be a configuration as a whole: lists where they have to be, each object once, no
/// LUN without its object. Nothing is known of what is outside of it.
Problems check_configuration(const Json& json);

}  // namespace srpd::control
