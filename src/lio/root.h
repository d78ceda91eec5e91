// The whole of it: configfs as the kernel shows it when the target is loaded.
#pragma once

#include <memory>

#include "lio/engine.h"
#include "lio/model.h"
#include "tree/directory.h"

namespace srpd::lio {

/// The root of the tree: what is at /sys/kernel/config. `engine` outlives it.
std::unique_ptr<tree::Directory> make_root(Engine& engine, Options options);

}  // namespace srpd::lio
