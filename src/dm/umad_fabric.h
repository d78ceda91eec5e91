// The InfiniBand ports of this machine through libibumad (/dev/infiniband/umad*).
#pragma once

#include <memory>

#include "dm/fabric.h"

namespace srpd::dm {

std::unique_ptr<Fabric> make_umad_fabric();

}  // namespace srpd::dm
