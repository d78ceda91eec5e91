// What is to be served, as command-line flags or a saved file say it. Plain values: nothing is
// opened yet; build.h makes the real thing of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "scsi/nexus.h"
#include "store/specification.h"
#include "target/port.h"

namespace srpd::control {

/// A device attribute by LIO's name.
struct AttributeSetting {
  std::string name;
  std::uint64_t value = 0;
};

struct StorageObject {
  std::string plugin;  ///< LIO's: "ramdisk", "fileio"
  store::Specification store;
  std::string unit_serial;  ///< empty: derived from the name and this machine
  std::vector<AttributeSetting> attributes;

  /// As LUNs refer to it: "/backstores/ramdisk/ram0".
  std::string path() const { return "/backstores/" + plugin + "/" + store.name; }
};

struct Lun {
  std::uint32_t number = 0;
  std::string storage_object;  ///< StorageObject::path()
};

struct Acl {
  std::string initiator;  ///< a form that target::AclKey knows
  bool all_luns = false;  ///< every LUN of the port under its own number, read-write
  std::vector<target::MappedLun> luns;
};

/// A target port group; SRP has one per port.
struct Tpg {
  std::uint16_t tag = 1;
  bool enabled = true;
  bool open = false;  ///< who has no ACL sees every LUN
  std::vector<Lun> luns;
  std::vector<Acl> acls;
};

struct Target {
  std::string name;  ///< as written: "ib." and 32 hex digits, or the same with "0x"
  scsi::PortId id{};
  std::vector<Tpg> tpgs;
};

/// What ib_srpt has outside of its targets: module parameters, and the port in discovery_auth.
struct FabricSettings {
  std::optional<std::uint32_t> rdma_cm_port;
  std::optional<std::uint32_t> srp_max_req_size;
  std::optional<std::uint32_t> srpt_srq_size;
};

struct Configuration {
  std::vector<StorageObject> storage_objects;
  std::vector<Target> targets;
  FabricSettings fabric;
};

/// What could not be carried out; everything else was.
using Problems = std::vector<Error>;

}  // namespace srpd::control
