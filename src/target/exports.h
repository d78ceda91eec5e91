// What target ports show to whom while they are served: LUNs, ACLs and their mapped LUNs, and the
// views that live nexuses have of them. Everything here runs on loops[0]; what other loops see of
// it are the LUN maps of the nexuses, which change under their hands (scsi/lun_map.h).
//
// Operations hand back the views they have taken away from nexuses. Commands may still use those:
// they go through a Removal before they are destroyed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "runtime/loop.h"
#include "scsi/nexus.h"
#include "srp/login.h"
#include "target/bound.h"
#include "target/port.h"
#include "target/target.h"

namespace srpd::target {

class Port;
class Removal;
struct Acl;
struct Mapping;
struct Nexus;
struct PortLun;

/// A unit as one nexus sees it, under its own number.
struct View final : scsi::ItlNexus {
  /// Shows itself to `nexus`.
  View(Nexus& of, PortLun& from, std::uint32_t number, std::shared_ptr<scsi::IoCounters> counters,
       bool write_protected, bool shared_counters);
  ~View();

  Nexus* nexus;                ///< null: taken from it
  PortLun* lun;                ///< null: that is gone
  const bool shared_counters;  ///< they belong to the mapping
  bool fresh = true;           ///< added since hosts were last told of changes
  std::atomic<const Removal*> removal{nullptr};
};
using Views = std::vector<std::unique_ptr<View>>;

/// A LUN of a port.
struct PortLun {
  /// Of the port that `port` names.
  PortLun(const Lun& description, const scsi::TargetPort& port);
  ~PortLun();
  scsi::IoCount io_count() const;
  void list_io(const std::string& port, std::vector<IoRow>& rows) const;

  const std::uint32_t number;
  const std::shared_ptr<scsi::Lu> lu;
  const bool write_protected;
  const std::shared_ptr<scsi::UnitPort> unit_port;
  const std::string target;  ///< name of the port
  const std::uint16_t tag;   ///< its portal group tag
  std::unordered_set<View*> views;
  std::unordered_set<Mapping*> mappings;
  scsi::IoCount past;  ///< of mappings and views that are gone
};

/// A LUN of an ACL.
struct Mapping {
  Mapping(Acl& of, PortLun& from, const MappedLun& description, std::size_t loops);
  ~Mapping();

  Acl& acl;
  PortLun& lun;
  const std::uint32_t number;
  bool write_protected;
  const std::shared_ptr<scsi::IoCounters> counters;
  const scsi::NexusPlace place;
};

struct Acl {
  /// Of the port that `port` names.
  Acl(AclKey names, const scsi::TargetPort& port);

  const AclKey key;
  const std::shared_ptr<const scsi::NexusName> name;  ///< of nexuses that it lets in
  std::unordered_map<std::uint32_t, std::unique_ptr<Mapping>> luns;
  std::unordered_set<Nexus*> nexuses;
};

/// An I_T nexus with its sessions' view of the port.
struct Nexus {
  /// Initiator port, target port as the host names it, and the host's address where the transport
  /// says that it is part of the identity.
  using Key = std::tuple<scsi::PortId, scsi::PortId, std::string>;

  /// `host`: as for AclKey::matches(). Port::show() follows.
  /// `reserved_as`: as for scsi::ItNexus.
  Nexus(Key identity, std::string name, std::string host, const scsi::TargetPort& target,
        std::string reserved_as);
  /// No session is left, nor anything on its way to one.
  ~Nexus();
  Nexus(const Nexus&) = delete;
  Nexus& operator=(const Nexus&) = delete;

  void take(View& view, Views& taken);
  /// Every LUN.
  void take_all(Views& taken);

  const Key key;
  const std::string host;
  scsi::ItNexus scsi;
  Port* port = nullptr;  ///< null: removed
  Acl* acl = nullptr;    ///< null: an open port, or the ACL was removed
  bool open = false;     ///< sees every LUN of the port
  bool told_later = false;
  std::uint32_t members = 0;  ///< sessions, also ending ones, and a waiting login
};

/// Tells hosts by unit attentions that their LUNs have changed: once for all changes of a loop
/// iteration, since every other LUN of the nexus reports it (SPC-5 6.33.1, SAM-5 5.14).
class LunNews {
 public:
  explicit LunNews(runtime::Loop& home) : home_(home) {}
  ~LunNews() { home_.cancel_deferred(tell_); }
  LunNews(const LunNews&) = delete;
  LunNews& operator=(const LunNews&) = delete;

  void changed(Nexus& nexus);
  void forget(Nexus& nexus);

 private:
  void tell();

  runtime::Loop& home_;
  std::vector<Nexus*> nexuses_;
  Bound<runtime::Deferred, LunNews, &LunNews::tell> tell_{*this};
};

class Port {
 public:
  /// `loops`: that count.
  Port(const PortDescription& description, LunNews& news, std::size_t loops);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  PortHandle handle{};  ///< from when it is one of Ports
  scsi::TargetPort scsi;
  const bool shares_identifier;
  bool any_identifier;
  bool enabled;
  bool open;
  PortLimits limits;

  // Changes; errors say what is wrong with the names given and leave everything as it was.

  Expected<void> add_lun(const Lun& lun);
  /// Takes it from every ACL as well.
  Expected<void> remove_lun(std::uint32_t number, Views& taken);
  Expected<void> set_lun_access(std::uint32_t number, const scsi::PortAccess& access);
  void set_relative_port(std::uint16_t relative_port);
  /// Hosts it names that an open port let in see what the ACL shows from now on.
  Expected<void> add_acl(AclKey key, Views& taken);
  /// Its nexuses, which are named, keep what they see until they end.
  Expected<void> remove_acl(std::string_view acl, std::vector<Nexus*>& orphans);
  Expected<void> map_lun(std::string_view acl, const MappedLun& lun);
  Expected<void> unmap_lun(std::string_view acl, std::uint32_t number, Views& taken);
  Expected<void> set_write_protect(std::string_view acl, std::uint32_t number, bool on);
  void remove_everything(Views& taken);

  // Logins.

  /// The first ACL that names this initiator, or null. `host` as for AclKey::matches().
  Acl* find_acl(const scsi::PortId& initiator, std::string_view host);
  /// To `acl`, or to whom an open port lets in: fills the LUN map.
  void show(Nexus& nexus, Acl* acl);
  void leave(Nexus& nexus);

  // What was done.

  Expected<scsi::IoCount> lun_count(std::uint32_t number) const;
  Expected<scsi::IoCount> mapped_lun_count(std::string_view acl, std::uint32_t number) const;
  /// Adds what is counted at LUNs from number `from` on, of one LUN and until about `most` LUNs and
  /// rows have been visited. The number to go on with; none at the end.
  std::optional<std::uint32_t> list_io(std::uint32_t from, std::size_t most,
                                       std::vector<IoRow>& rows) const;

 private:
  Expected<PortLun*> lun(std::uint32_t number) const;
  Expected<Acl*> acl(std::string_view text) const;
  Expected<Mapping*> mapping(std::string_view acl, std::uint32_t number) const;
  void show_lun(Nexus& nexus, PortLun& lun);
  void show_lun(Nexus& nexus, Mapping& mapping);
  std::string name() const { return "target port " + scsi.name; }

  LunNews& news_;
  const std::size_t loops_;
  std::unordered_map<std::uint32_t, std::unique_ptr<PortLun>> luns_;
  std::list<Acl> acls_;  ///< in order of their adding, which is that of matching
  std::unordered_map<std::string_view, std::list<Acl>::iterator> acl_by_text_;
  std::unordered_set<Nexus*> nexuses_;
  std::unordered_set<Nexus*> open_nexuses_;
};

/// The ports of a target.
class Ports {
 public:
  Ports(runtime::Loop& home, std::size_t loops) : news_(home), loops_(loops) {}
  Ports(const Ports&) = delete;
  Ports& operator=(const Ports&) = delete;

  Expected<PortHandle> add(const PortDescription& description);
  Expected<Port*> find(PortHandle handle) const;
  /// Its nexuses may still refer to it.
  std::unique_ptr<Port> take(PortHandle handle);
  std::vector<PortInfo> list() const;

  struct Access {
    Port* port = nullptr;
    Acl* acl = nullptr;  ///< null: an open port
  };
  /// Where a login for `target` arrives. `host` as for AclKey::matches().
  srp::LoginFault find_access(const scsi::PortId& target, const scsi::PortId& initiator,
                              std::string_view host, Access& access) const;

 private:
  LunNews news_;
  const std::size_t loops_;
  std::map<PortHandle, std::unique_ptr<Port>> ports_;
  std::uint32_t last_handle_ = 0;
};

}  // namespace srpd::target
