// Counts the calls of operator new on this thread, to show that a steady state has none.
#pragma once

#include <cstdint>

namespace srpd::runtime::test {

std::uint64_t allocations();

}  // namespace srpd::runtime::test
