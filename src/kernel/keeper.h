// Keeps this host logged in: each pass logs in to what is wanted and missing. Ends no session.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "kernel/files.h"
#include "kernel/login_string.h"
#include "kernel/ports.h"
#include "kernel/sessions.h"

namespace srpd::kernel {

struct Wanted {
  LoginString login;
  std::string device;  ///< "DEVICE[:PORT]"; empty: chosen by the route
};

/// Those that no session is for, each once. A session of which it is not known where it leads
/// stands for one login of its target.
std::vector<Wanted> missing(const std::vector<Wanted>& wanted,
                            const std::vector<Session>& sessions);

class Keeper {
 public:
  struct Outcome {
    std::size_t connected = 0;
    std::size_t failed = 0;
  };

  Keeper(const Files& files, RouteTo route_to) : files_(files), route_to_(std::move(route_to)) {}

  /// Logs what changes, and each failure once until it is another one. What failed before comes
  /// last, since it may take long. `abandoned`: set by another thread when the rest is to be left,
  /// which then counts as failed.
  Outcome pass(const std::vector<Wanted>& wanted, const std::atomic<bool>& abandoned = never);

 private:
  static constexpr std::atomic<bool> never{false};

  bool log_in(const Wanted& wanted, const std::atomic<bool>& abandoned);
  void put_troubled_last(std::vector<Wanted>& logins) const;
  void tell_gone(const std::vector<Session>& now);

  const Files& files_;
  const RouteTo route_to_;
  std::map<unsigned, std::string> known_;  ///< sessions, by host
  /// What ib_srp takes for the same as another session, which is that of this host.
  std::map<std::string, unsigned> covered_;
  std::map<std::string, std::string> complaints_;  ///< the last one of each place
};

}  // namespace srpd::kernel
