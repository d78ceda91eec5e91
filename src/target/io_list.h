// Gathers who has counted what at which LUN, in turns of the home loop that are short whatever the
// number of LUNs and initiators: hosts' I/O goes on between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "runtime/loop.h"
#include "target/bound.h"
#include "target/exports.h"
#include "target/target.h"

namespace srpd::target {

/// Lives until it has reported; `ports` stays as long.
class IoList {
 public:
  using Report = std::function<void(std::vector<IoRow>)>;

  /// On home, where `report` comes, later.
  static void start(runtime::Loop& home, const Ports& ports, Report report);

 private:
  IoList(runtime::Loop& home, const Ports& ports, Report report);
  void step();

  runtime::Loop& home_;
  const Ports& ports_;
  Report report_;
  std::vector<PortHandle> handles_;  ///< not visited yet, the last one first
  std::uint32_t next_lun_ = 0;
  std::vector<IoRow> rows_;
  Bound<runtime::Mail, IoList, &IoList::step> step_{*this};
};

}  // namespace srpd::target
