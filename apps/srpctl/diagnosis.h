// What keeps hosts from their disks: pure rules over what srpd and the machine say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rpc/fault.h"

namespace srpd::ctl {

/// What this machine says.
struct Machine {
  bool kernel_target = false;                       ///< ib_srpt is loaded
  std::optional<std::uint64_t> memlock_bytes = {};  ///< of srpd; none: unlimited or unknown
  std::string firewall = {};                        ///< `nft list ruleset`; empty: none or unknown
};
/// `pid` of srpd; 0: unknown.
Machine look_at_machine(int pid);

/// Answers of srpd's methods of these names.
struct Answers {
  rpc::Json status, objects, sessions, refusals;
};

struct Question {
  std::string host;  ///< empty: any
  std::optional<std::uint64_t> lun = {};
};

struct Finding {
  bool problem = true;  ///< false: it is as it should be
  Error error;
};

std::vector<Finding> diagnose(const Answers& answers, const Machine& machine,
                              const Question& question);

}  // namespace srpd::ctl
