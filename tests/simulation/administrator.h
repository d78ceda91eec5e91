// An administrator who takes LUNs, ACLs and ports away and gives them back, disables ports, ends
// sessions and changes attributes, while initiators write and verify. What was removed is destroyed
// as soon as the target says that it may be.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "actor.h"
#include "base/random.h"
#include "disk.h"
#include "runtime/simulated_loop.h"
#include "target/bound.h"
#include "target/target.h"
#include "world.h"

namespace srpd::simulation {

class Administrator {
 public:
  /// Adds the port: disk i is its LUN i. `initiators`: how many ACLs, for initiator port ids 1 on;
  /// 0: an open port.
  Administrator(runtime::SimulatedLoop& home, target::Target& target, std::deque<Disk>& disks,
                std::uint32_t initiators, Random random, Bug bug, Findings& findings);

  void start();
  /// Everything is there again, and nothing changes any more.
  void calm();
  /// Every operation has told its end.
  bool idle() const { return under_way_ == 0; }
  std::uint64_t operations() const { return operations_; }

 private:
  struct Mapping {
    bool there = true;
    bool write_protected = false;
  };
  struct Acl {
    std::string text;
    bool there = true;
    std::vector<Mapping> luns;
  };

  void act();
  void change();
  void repair();
  void add_port();
  void remove_port();
  void add_lun(std::uint32_t number);
  void remove_lun(std::uint32_t number);
  void add_acl(Acl& acl);
  void remove_acl(Acl& acl);
  void change_mapping(Acl& acl, std::uint32_t number);
  void map(Acl& acl, std::uint32_t number);
  void enable();
  void disable();
  void close_some_session();
  void change_attributes(Disk& disk);

  void expect(const Expected<void>& done, const char* what);
  target::Target::Removed removed(const char* what, std::function<void()> then = {});
  target::Target::Done closed(const char* what);
  void ended(const char* what, runtime::Time began, runtime::Time limit);

  runtime::SimulatedLoop& home_;
  target::Target& target_;
  std::deque<Disk>& disks_;
  Random random_;
  const Bug bug_;
  Findings& findings_;
  target::PortHandle port_{};
  bool there_ = false;
  bool enabled_ = true;
  std::vector<bool> luns_;
  std::deque<Acl> acls_;
  std::uint64_t operations_ = 0;
  std::uint32_t under_way_ = 0;
  target::Bound<runtime::Timer, Administrator, &Administrator::act> timer_{*this};
};

}  // namespace srpd::simulation
