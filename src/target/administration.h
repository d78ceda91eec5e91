// The live interface of a target (target.h): changes what ports show, takes what hosts no longer
// see away from their commands, and ends sessions. Everything here runs on loops[0].
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "target/exports.h"
#include "target/logins.h"
#include "target/removal.h"
#include "target/shard.h"
#include "target/target.h"

namespace srpd::target {

class Administration {
 public:
  using Done = Target::Done;
  using Removed = Target::Removed;

  Administration(runtime::Loop& home, const Shards& shards, Ports& ports, Logins& logins)
      : home_(home), shards_(shards), ports_(ports), logins_(logins) {}
  ~Administration();
  Administration(const Administration&) = delete;
  Administration& operator=(const Administration&) = delete;

  void shut_down(Done done);

  // As Target says.
  Expected<void> remove_port(PortHandle port, Removed done);
  Expected<void> enable_port(PortHandle port);
  Expected<void> disable_port(PortHandle port, Done done);
  Expected<void> set_port_open(PortHandle port, bool open, Done done);
  Expected<void> set_any_identifier(PortHandle port, bool any);
  Expected<void> set_relative_port(PortHandle port, std::uint16_t relative_target_port);
  Expected<void> set_port_limits(PortHandle port, const PortLimits& limits);
  Expected<void> close_sessions(PortHandle port, Done done);
  Expected<void> add_lun(PortHandle port, const Lun& lun);
  Expected<void> remove_lun(PortHandle port, std::uint32_t number, Removed done);
  Expected<void> set_lun_access(PortHandle port, std::uint32_t number,
                                const scsi::PortAccess& access);
  Expected<void> add_acl(PortHandle port, AclKey key);
  Expected<void> remove_acl(PortHandle port, std::string_view acl, Done done);
  Expected<void> map_lun(PortHandle port, std::string_view acl, const MappedLun& lun);
  Expected<void> unmap_lun(PortHandle port, std::string_view acl, std::uint32_t number,
                           Removed done);
  Expected<void> set_write_protect(PortHandle port, std::string_view acl, std::uint32_t number,
                                   bool on);

 private:
  void remove(Views views, Removed done);
  void removal_gone();
  void maybe_down();

  runtime::Loop& home_;
  const Shards& shards_;
  Ports& ports_;
  Logins& logins_;
  std::uint32_t removals_ = 0;
  bool sessions_gone_ = false;
  Done down_;
};

}  // namespace srpd::target
