// A disk that answers late, hangs for a while, or fails. Without faults after calm().
#pragma once

#include <cstdint>
#include <memory>

#include "base/random.h"
#include "runtime/simulated_loop.h"
#include "scsi/lu.h"
#include "store/wrap_delay.h"
#include "store/wrap_error.h"
#include "world.h"

namespace srpd::simulation {

class Disk {
 public:
  Disk(runtime::SimulatedLoop& home, std::uint32_t number, std::uint64_t blocks, Random random,
       Bug bug);

  const std::shared_ptr<scsi::Lu>& lu() const { return lu_; }
  /// Lets go of the unit and serves the same blocks as another one.
  void renew();
  void calm();
  void let_go(runtime::Loop& loop);

 private:
  runtime::Time plan(const store::Operation& operation);

  const std::uint32_t number_;
  Random random_;
  Bug bug_;
  bool calm_ = false;
  store::WrapError* errors_ = nullptr;
  std::unique_ptr<store::WrapDelay> store_;
  std::shared_ptr<scsi::Lu> lu_;
};

}  // namespace srpd::simulation
