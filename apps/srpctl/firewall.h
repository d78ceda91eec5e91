// What a packet filter does to the port that hosts log in at: pure rules over its listing.
#pragma once

#include <cstdint>
#include <string>

namespace srpd::ctl {

struct Blocked {
  std::string by;      ///< the rule or policy; empty: the port is open
  std::string remedy;  ///< a command
};

/// `rules`: of `nft list ruleset`, or of iptables-save. Sets and jumps to other chains are not
/// followed: what they decide is not told.
Blocked blocked_by(const std::string& rules, std::uint16_t port);

}  // namespace srpd::ctl
