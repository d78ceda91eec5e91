// A target port as the configuration describes it: its identity, its LUNs and who may see them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "scsi/nexus.h"

namespace srpd::target {

/// One LUN of a node ACL: LUN `number` of the initiator is LUN `port_lun` of the port.
struct MappedLun {
  std::uint32_t number = 0;
  std::uint32_t port_lun = 0;
  bool write_protected = false;
};

/// Who may log in, in LIO's words: a 128-bit initiator port id ("0x" + hex digits, "ib." + hex
/// digits, shorter is zero-extended), a GUID "xxxx:xxxx:xxxx:xxxx", or an IPv4/IPv6 address. The
/// text is kept for messages.
class AclKey {
 public:
  static Expected<AclKey> parse(std::string_view text);

  /// `host`: the peer's verified address as transport::Address::host().
  bool matches(const scsi::PortId& initiator, std::string_view host) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::optional<scsi::PortId> port_id_;
  std::string host_;
};

struct NodeAcl {
  AclKey key;
  std::vector<MappedLun> luns;
};

/// Everything a login needs to know. Immutable while served.
struct PortDescription {
  scsi::TargetPort scsi;  ///< name and identifier; ioc_guid and id_ext of the login must equal it
  bool any_identifier = true;  ///< accept whatever id_ext and ioc_guid the host was given
  bool enabled = true;
  bool open = false;  ///< no ACL matched: every LUN, read-write (closed by default)
  std::vector<scsi::LunMap::Entry> luns;
  std::vector<NodeAcl> acls;
};

}  // namespace srpd::target
