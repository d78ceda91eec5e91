#include "administrator.h"

#include <fmt/core.h>

#include <utility>

namespace srpd::simulation {
namespace {

using namespace std::chrono_literals;

// The abort deadline, and mails under way.
constexpr runtime::Time longest_removal = 2100ms;
// Commands may finish, then the connection closes, which a slow one does slowly.
constexpr runtime::Time longest_closing = 10s;

}  // namespace

Administrator::Administrator(runtime::SimulatedLoop& home, target::Target& target,
                             std::deque<Disk>& disks, std::uint32_t initiators, Random random,
                             Bug bug, Findings& findings)
    : home_(home),
      target_(target),
      disks_(disks),
      random_(random),
      bug_(bug),
      findings_(findings),
      luns_(disks.size()) {
  for (std::uint32_t i = 0; i < initiators; ++i)
    acls_.push_back({.text = fmt::format("0x{:x}", i + 1), .luns = {}});
  add_port();
}

void Administrator::start() { home_.start_timer(timer_, home_.now() + 100ms); }

void Administrator::act() {
  if (random_.one_in(2))
    change();
  else
    repair();
  const auto pause = random_.one_in(8) ? std::chrono::milliseconds(random_.below(4000))
                                       : std::chrono::milliseconds(random_.below(100));
  home_.start_timer(timer_, home_.now() + pause);
}

void Administrator::calm() {
  home_.cancel_timer(timer_);
  if (!there_) add_port();
  if (!enabled_) enable();
  for (std::uint32_t i = 0; i < luns_.size(); ++i)
    if (!luns_[i]) add_lun(i);
  for (Acl& acl : acls_) {
    if (!acl.there) add_acl(acl);
    for (std::uint32_t i = 0; i < acl.luns.size(); ++i)
      if (!acl.luns[i].there || acl.luns[i].write_protected) change_mapping(acl, i);
  }
}

void Administrator::change() {
  const auto lun = static_cast<std::uint32_t>(random_.below(luns_.size()));
  Acl* const acl = acls_.empty() ? nullptr : &acls_[random_.below(acls_.size())];
  const std::uint64_t what = random_.below(100);
  if (!there_) return;
  ++operations_;
  if (what < 35) {
    if (luns_[lun]) remove_lun(lun);
  } else if (what < 60) {
    if (acl != nullptr && acl->there && luns_[lun]) change_mapping(*acl, lun);
  } else if (what < 70) {
    if (acl != nullptr && acl->there) remove_acl(*acl);
  } else if (what < 78) {
    if (enabled_) disable();
  } else if (what < 84) {
    remove_port();
  } else if (what < 90) {
    close_some_session();
  } else {
    change_attributes(disks_[lun]);
  }
}

void Administrator::repair() {
  if (!there_) return add_port();
  if (!enabled_ && random_.one_in(2)) return enable();
  for (std::uint32_t i = 0; i < luns_.size(); ++i)
    if (!luns_[i] && random_.one_in(2)) return add_lun(i);
  for (Acl& acl : acls_) {
    if (!acl.there && random_.one_in(2)) return add_acl(acl);
    for (std::uint32_t i = 0; acl.there && i < acl.luns.size(); ++i)
      if (luns_[i] && !acl.luns[i].there && random_.one_in(2)) return map(acl, i);
  }
}

// Ports

void Administrator::add_port() {
  target::PortDescription port;
  port.scsi.name = "0x00000000000000000000000000000001";
  port.open = acls_.empty();
  for (std::uint32_t i = 0; i < disks_.size(); ++i) {
    port.luns.push_back({i, disks_[i].lu(), false});
    luns_[i] = true;
  }
  for (Acl& acl : acls_) {
    target::NodeAcl node{.key = *target::AclKey::parse(acl.text), .luns = {}};
    for (std::uint32_t i = 0; i < disks_.size(); ++i) node.luns.push_back({i, i, false});
    port.acls.push_back(std::move(node));
    acl.there = true;
    acl.luns.assign(disks_.size(), {});
  }
  const auto added = target_.add_port(port);
  if (!added) return findings_.add("add_port: " + added.error().text());
  port_ = *added;
  there_ = enabled_ = true;
}

void Administrator::remove_port() {
  there_ = false;
  expect(target_.remove_port(port_, removed("remove_port")), "remove_port");
}

void Administrator::enable() {
  enabled_ = true;
  expect(target_.enable_port(port_), "enable_port");
}

void Administrator::disable() {
  enabled_ = false;
  expect(target_.disable_port(port_, closed("disable_port")), "disable_port");
}

// LUNs

void Administrator::add_lun(std::uint32_t number) {
  luns_[number] = true;
  const std::size_t disk = bug_ == Bug::remap ? disks_.size() - 1 - number : number;
  expect(target_.add_lun(port_, {number, disks_[disk].lu(), false}), "add_lun");
}

// The unit is destroyed at the end, or when the store lets go of what it holds; then another one
// serves the disk.
void Administrator::remove_lun(std::uint32_t number) {
  luns_[number] = false;
  for (Acl& acl : acls_)
    if (acl.there) acl.luns[number].there = false;
  expect(target_.remove_lun(port_, number,
                            removed("remove_lun",
                                    [this, number] {
                                      if (there_ && !luns_[number]) disks_[number].renew();
                                    })),
         "remove_lun");
}

// ACLs

void Administrator::add_acl(Acl& acl) {
  acl.there = true;
  acl.luns.assign(disks_.size(), {.there = false});
  expect(target_.add_acl(port_, *target::AclKey::parse(acl.text)), "add_acl");
}

void Administrator::remove_acl(Acl& acl) {
  acl.there = false;
  expect(target_.remove_acl(port_, acl.text, closed("remove_acl")), "remove_acl");
}

void Administrator::map(Acl& acl, std::uint32_t number) {
  acl.luns[number] = {};
  expect(target_.map_lun(port_, acl.text, {number, number, false}), "map_lun");
}

void Administrator::change_mapping(Acl& acl, std::uint32_t number) {
  Mapping& mapping = acl.luns[number];
  if (!mapping.there) return map(acl, number);
  if (mapping.write_protected || random_.one_in(2)) {
    mapping.write_protected = !mapping.write_protected;
    return expect(target_.set_write_protect(port_, acl.text, number, mapping.write_protected),
                  "set_write_protect");
  }
  mapping.there = false;
  expect(target_.unmap_lun(port_, acl.text, number, removed("unmap_lun")), "unmap_lun");
}

// Sessions and units

void Administrator::close_some_session() {
  target_.list_sessions([this](const std::vector<target::SessionInfo>& sessions) {
    if (sessions.empty()) return;
    const std::uint64_t id = sessions[random_.below(sessions.size())].id;
    // It may be gone by now.
    auto done = closed("close_session");
    if (!target_.close_session(id, done)) --under_way_;
  });
}

void Administrator::change_attributes(Disk& disk) {
  scsi::LuAttributes attributes = disk.lu()->attributes();
  attributes.is_nonrot = !attributes.is_nonrot;
  attributes.emulate_fua_write = random_.one_in(2);
  attributes.emulate_tpu = !random_.one_in(4);
  disk.lu()->change_attributes(attributes);
}

// What must hold

void Administrator::expect(const Expected<void>& done, const char* what) {
  if (!done) findings_.add(fmt::format("{}: {}", what, done.error().text()));
}

target::Target::Removed Administrator::removed(const char* what, std::function<void()> then) {
  ++under_way_;
  const bool closes = !then && std::string(what) == "remove_port";
  const runtime::Time limit = longest_removal + (closes ? longest_closing : 0s);
  return [this, what, began = home_.now(), limit, then = std::move(then)](bool) {
    ended(what, began, limit);
    if (then) then();
  };
}

target::Target::Done Administrator::closed(const char* what) {
  ++under_way_;
  return [this, what, began = home_.now()] { ended(what, began, longest_closing); };
}

void Administrator::ended(const char* what, runtime::Time began, runtime::Time limit) {
  --under_way_;
  if (home_.now() - began > limit) findings_.add(fmt::format("{} took too long", what));
}

}  // namespace srpd::simulation
