// What a person reads when srpd has started: each disk with its address, and who may use it.
#pragma once

#include <string>
#include <vector>

#include "control/build.h"
#include "transport/transport.h"

namespace srpd::app {

/// Where hosts come in and where the discovery service answers.
std::string listening_line(const std::vector<transport::Address>& listening,
                           const std::vector<transport::Address>& discovery,
                           std::string_view loop_kind, std::size_t loop_count);

/// `discovery`: where the discovery service answers.
std::string summary(const control::Built& built, const std::vector<transport::Address>& listening,
                    const std::vector<transport::Address>& discovery, std::string_view loop_kind,
                    std::size_t loop_count);

/// "2 disks on 1 target".
std::string served_count(const control::Built& built);

/// A port without ACLs that is not open is reachable by no host; says how to let one in. Empty when
/// somebody can log in.
std::string closed_hint(const control::Built& built, bool from_flags);

}  // namespace srpd::app
