// One run: a target with its disks, several initiators, a network and disks that fail, all from a
// seed; and what must hold at the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actor.h"

namespace srpd::simulation {

/// Bugs to inject, to see that the checks find them.
enum class Bug : std::uint8_t {
  none,
  data,       ///< the disk flips a bit now and then
  credits,    ///< responses lose their credit
  duplicate,  ///< responses arrive twice
  abort,      ///< ABORT TASK is answered but not done
  leak,       ///< the target forgets to give a buffer back
  hang,       ///< the disk never answers, and task management does not reach the target
  remap,      ///< the administrator puts the wrong disk back
};

/// Of a disk, for each initiator.
inline constexpr std::uint64_t share_blocks = 128;

struct Outcome {
  std::vector<std::string> findings;
  std::string status;  ///< of everybody, for a failing run
  std::uint64_t turns = 0;
};

Outcome run(std::uint64_t seed, Bug bug);

}  // namespace srpd::simulation
