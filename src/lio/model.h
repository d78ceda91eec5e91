// What all objects of the tree share: the engine, the options, and what is counted across them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lio/engine.h"
#include "lio/profile.h"

namespace srpd::lio {

class LuGroups;

struct Options {
  Profile profile = Profile::linux_6_1;
  /// The last word of `version`; empty: this machine's.
  std::string kernel_release = {};
  /// Where files of APTPL and ALUA are, below pr/ and alua/.
  std::string dbroot = "/etc/target";
  /// Not empty: where they are while `dbroot` is one of the places that LIO's tools write there, so
  /// that those stay the kernel's target's.
  std::string own_dbroot = {};
  /// Attributes of initiators that ib_srpt has not and targetcli can use: info, tag, and
  /// auth/authenticate_target.
  bool session_attributes = true;
  /// CPUs that cmd_completion_affinity can name; 0: those of this machine.
  unsigned cpus = 0;
  /// Whether a path leads into the tree's own mount: it is not opened, since that would wait for
  /// itself. Any thread.
  std::function<bool(const std::string& path)> is_own_mount = {};
  /// Empty directories beside `target`, on which mounts of other subsystems go.
  std::vector<std::string> other_subsystems = {};
};

class Model {
 public:
  Model(Engine& engine, Options options);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  Engine& engine() const { return engine_; }
  const Options& options() const { return options_; }
  bool newer() const { return options_.profile >= Profile::linux_6_12; }

  const std::string& dbroot() const { return dbroot_; }
  /// The directory that it stands for.
  const std::string& place_of_dbroot() const { return place_of(dbroot_); }
  const std::string& place_of(const std::string& dbroot) const;
  void set_dbroot(std::string path) { dbroot_ = std::move(path); }
  bool is_own_mount(const std::string& path) const;

  LuGroups& lu_groups() const { return *lu_groups_; }
  void set_lu_groups(LuGroups& groups) { lu_groups_ = &groups; }

  std::uint32_t next_hba_index() { return hba_index_++; }
  std::uint32_t next_device_index() { return device_index_++; }
  std::uint32_t next_initiator_index() { return initiator_index_++; }
  DeviceId next_device() { return DeviceId{device_id_++}; }
  TpgId next_tpg() { return TpgId{tpg_id_++}; }

  /// Relative target port identifiers, 1 to 65535, of all tpgs. The lowest free one.
  std::optional<std::uint16_t> take_rtpi();
  bool take_rtpi(std::uint16_t rtpi) { return rtpis_.insert(rtpi).second; }
  void give_rtpi(std::uint16_t rtpi) { rtpis_.erase(rtpi); }

 private:
  Engine& engine_;
  const Options options_;
  std::string dbroot_;
  LuGroups* lu_groups_ = nullptr;
  // LIO has one HBA and one device of its own before any that users make.
  std::uint32_t hba_index_ = 1;
  std::uint32_t device_index_ = 1;
  std::uint32_t initiator_index_ = 1;
  std::set<std::uint16_t> rtpis_;
  std::uint64_t device_id_ = 1;
  std::uint64_t tpg_id_ = 1;
};

/// Hundredths of a second since the machine started: creation_time of the statistics.
std::uint32_t creation_time_now();

}  // namespace srpd::lio
