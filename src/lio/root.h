// The whole of it: configfs as the kernel shows it when the target is loaded.
#pragma once

#include <memory>
#include <string_view>

#include "lio/engine.h"
#include "lio/model.h"
#include "tree/tree.h"

namespace srpd::lio {

/// The root of the tree: what is at /sys/kernel/config. `engine` outlives it.
std::unique_ptr<tree::Directory> make_root(Engine& engine, Options options);

/// A device that `enable` took on trust, since its backing was missing, is open now; `found` is
/// what it says about itself. One that was removed meanwhile, or made anew, is left alone.
void device_arrived(tree::Tree& tree, DeviceId device, const DeviceSpec& spec,
                    const DeviceProperties& found);

/// Of a device's attrib/: whether the device is waited for, so that nothing is known about it.
bool is_waiting(const tree::Directory& attrib);
/// And whether the value of one of its attributes is therefore only assumed, which is not to be
/// saved. What somebody writes is not, even if it is the same.
bool is_assumed(const tree::Directory& attrib, std::string_view attribute);

/// Serves another size of the device at `place`; with 0 bytes the one that is behind it now.
Result<Resized> resize_device(tree::Tree& tree, tree::Id place, std::uint64_t bytes,
                              bool may_shrink);

}  // namespace srpd::lio
