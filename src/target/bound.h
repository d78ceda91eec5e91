// The embedded nodes of the runtime that run a member of their owner, by their short names.
#pragma once

#include "runtime/bound.h"

namespace srpd::target {

using runtime::Bound;
using runtime::BoundWork;

}  // namespace srpd::target
