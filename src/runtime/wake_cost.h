// What it costs on this machine that a thread sleeps and another wakes it.
#pragma once

#include "runtime/loop.h"

namespace srpd::runtime {

/// From the wake-up call until the sleeper runs, measured once per process between two threads
/// (a few milliseconds at most), later calls return the same. From a few microseconds on a machine
/// of its own to milliseconds under emulation.
Time wake_cost();

}  // namespace srpd::runtime
