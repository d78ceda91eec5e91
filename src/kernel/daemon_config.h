// The configuration file of `srp daemon` (docs/srp-daemon.md). Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kernel/login_string.h"

namespace srpd::kernel {

/// A line that names what to be logged in to.
struct DaemonRule {
  enum class Kind : std::uint8_t {
    target,      ///< a host or URL, whose discovery service is asked
    everything,  ///< "all"
    login,       ///< a string for add_target, as it is
  };
  Kind kind = Kind::target;
  std::string target;
  LoginString login;
  std::vector<LoginString::Option> options;
  std::string device;          ///< "DEVICE[:PORT]"; empty: chosen by the route
  bool all_addresses = false;  ///< a login for each address of the target
  unsigned line = 0;
};

/// A target that "all" leaves out.
struct DaemonException {
  std::uint64_t id_ext = 0;
  std::uint64_t ioc_guid = 0;

  friend bool operator==(const DaemonException&, const DaemonException&) = default;
};

struct DaemonConfig {
  std::chrono::seconds interval{60};
  std::vector<DaemonRule> rules;
  std::vector<DaemonException> exceptions;
};

/// `name` is that of the file, for messages.
Expected<DaemonConfig> parse_daemon_config(std::string_view text, const std::string& name);

}  // namespace srpd::kernel
