#include "kernel/keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "kernel/login.h"

namespace srpd::kernel {
namespace {

std::string name_of(const LoginString& login) {
  return fmt::format("{:016x}{:016x} at {}", login.id_ext, login.ioc_guid, login.place());
}

bool same_target(const Session& session, const LoginString& login) {
  return session.id_ext == login.id_ext && session.ioc_guid == login.ioc_guid;
}

/// Takes the session that is for this login out of `left`, one that is known to be if there is.
bool take_session(std::vector<Session>& left, const LoginString& login) {
  for (const std::string& place : {login.place(), std::string()}) {
    const auto found = std::find_if(left.begin(), left.end(), [&](const Session& session) {
      return same_target(session, login) && session.place == place;
    });
    if (found == left.end()) continue;
    left.erase(found);
    return true;
  }
  return false;
}

}  // namespace

std::vector<Wanted> missing(const std::vector<Wanted>& wanted,
                            const std::vector<Session>& sessions) {
  std::vector<Wanted> without;
  std::vector<Session> left = sessions;
  std::set<std::string> seen;
  for (const Wanted& each : wanted) {
    if (!seen.insert(name_of(each.login)).second) continue;
    if (!take_session(left, each.login)) without.push_back(each);
  }
  return without;
}

void Keeper::put_troubled_last(std::vector<Wanted>& logins) const {
  std::stable_partition(logins.begin(), logins.end(), [&](const Wanted& each) {
    return complaints_.count(name_of(each.login)) == 0;
  });
}

Keeper::Outcome Keeper::pass(const std::vector<Wanted>& wanted,
                             const std::atomic<bool>& abandoned) {
  forget_gone(files_);
  const auto now = sessions(files_);
  tell_gone(now);
  Outcome outcome;
  std::set<std::string> places;
  for (const Wanted& each : wanted) places.insert(name_of(each.login));
  auto logins = missing(wanted, now);
  put_troubled_last(logins);
  for (const Wanted& each : logins) {
    if (covered_.count(name_of(each.login)) != 0) continue;
    if (abandoned || !log_in(each, abandoned)) ++outcome.failed;
  }
  outcome.connected = places.size() - outcome.failed;
  return outcome;
}

bool Keeper::log_in(const Wanted& wanted, const std::atomic<bool>& abandoned) {
  const std::string name = name_of(wanted.login);
  const auto port = port_for(files_, wanted.login, wanted.device, route_to_);
  const auto done =
      port ? kernel::log_in(files_, wanted.login, *port) : tl::make_unexpected(port.error());
  if (done) {
    complaints_.erase(name);
    if (done->already) {
      covered_[name] = done->host;
      return true;
    }
    known_[done->host] = name;
    log::info("{}: logged in as host{} through {}", name, done->host, port->name);
    return true;
  }
  std::string& last = complaints_[name];
  // Interrupted, it says nothing about the target.
  if (abandoned) return false;
  if (last != done.error().text()) log::warning("{}", done.error().text());
  last = done.error().text();
  return false;
}

void Keeper::tell_gone(const std::vector<Session>& now) {
  for (auto known = known_.begin(); known != known_.end();) {
    const bool there = std::any_of(now.begin(), now.end(), [&](const Session& session) {
      return session.host == known->first;
    });
    if (!there) log::warning("{}: host{} has gone", known->second, known->first);
    known = there ? std::next(known) : known_.erase(known);
  }
  std::erase_if(covered_, [&](const auto& covered) {
    return std::none_of(now.begin(), now.end(),
                        [&](const Session& session) { return session.host == covered.second; });
  });
}

}  // namespace srpd::kernel
