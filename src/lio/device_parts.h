// The default groups of a device but `alua` and `statistics`.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tree/directory.h"

namespace srpd::lio {

class Device;

using AddPart = std::function<void(std::string name, std::unique_ptr<tree::Directory> part)>;

/// action, attrib, pr and wwn, in the order in which LIO makes them.
void add_device_parts(Device& device, const AddPart& add);

std::unique_ptr<tree::Directory> make_attrib(Device& device);  ///< device_attrib.cc
std::unique_ptr<tree::Directory> make_pr(Device& device);      ///< device_pr.cc
std::unique_ptr<tree::Directory> make_wwn(Device& device);     ///< device_wwn.cc
std::unique_ptr<tree::Directory> make_action(Device& device);  ///< device_action.cc

}  // namespace srpd::lio
