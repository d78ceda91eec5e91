#include "lio/acl.h"

#include <fmt/format.h>

#include <cerrno>

#include "lio/mapped_lun.h"
#include "lio/model.h"
#include "lio/names.h"
#include "lio/text.h"
#include "lio/tpg.h"

namespace srpd::lio {
namespace {

constexpr std::size_t max_tag = 63;

class Empty final : public Directory {};

class AclAuth final : public Directory {
 public:
  explicit AclAuth(const Model& model) : model_(model) {}
  std::span<const Attribute> attributes() const override;

 private:
  static const Attribute rows[];
  std::string show_authenticate() const { return "0\n"; }

  const Model& model_;
};

const Attribute AclAuth::rows[] = {
    read_only<&AclAuth::show_authenticate>("authenticate_target"),
};

std::span<const Attribute> AclAuth::attributes() const {
  if (!model_.options().session_attributes) return {};
  return rows;
}

/// As iSCSI's, which rtslib reads.
std::string session_text(const SessionRow& session) {
  return fmt::format(
      "InitiatorName: {}\nInitiatorAlias: \n"
      "LIO Session ID: {}   SessionType: Normal\n"
      "Session State: TARG_SESS_STATE_LOGGED_IN\n"
      "CID: 0  Connection State: TARG_CONN_STATE_LOGGED_IN\n"
      "   Address {} RDMA\n",
      session.initiator, session.id, session.address);
}

}  // namespace

const Attribute Acl::rows[] = {
    read_only<&Acl::show_info>("info"),
    row<&Acl::show_tag, &Acl::store_tag>("tag"),
};

Acl::Acl(Tpg& tpg, std::uint32_t index) : tpg_(tpg), index_(index) {
  make_group<Empty>("attrib");
  make_group<AclAuth>("auth", tpg.model());
  make_group<Empty>("param");
  make_group<Empty>("fabric_statistics");
}

std::span<const Attribute> Acl::attributes() const {
  if (!tpg_.model().options().session_attributes) return {};
  return rows;
}

Result<std::unique_ptr<Directory>> Acl::make(Change& change, std::string_view name) {
  static_cast<void>(change);
  const auto number = parse_lun_name(name);
  if (!number) return tl::unexpected(number.error());
  if (!numbers_.insert(*number).second)
    return fail(EEXIST, "another directory stands for the same LUN");
  return std::make_unique<MappedLun>(*this, *number);
}

void Acl::drop(Change& change) {
  change.unlocked([this] { tpg_.engine().remove_acl(tpg_.tpg_id(), name()); });
}

std::string Acl::show_info() const {
  const auto sessions = tpg_.engine().sessions(tpg_.tpg_id(), name());
  if (sessions.empty())
    return fmt::format("No active SRP Session for Initiator Endpoint: {}\n", name());
  return session_text(sessions.front());
}

std::string Acl::show_tag() const { return tag_.empty() ? std::string() : tag_ + '\n'; }

Result<void> Acl::store_tag(Change& change, std::string_view text) {
  static_cast<void>(change);
  const std::string_view tag = stripped(text);
  if (tag.size() > max_tag) return fail(EINVAL, "the tag is longer than 63 bytes");
  tag_ = tag == "NULL" ? std::string() : std::string(tag);
  return {};
}

Result<std::unique_ptr<Directory>> Acls::make(Change& change, std::string_view name) {
  if (!is_initiator_name(name))
    return fail(EINVAL, "it names no initiator",
                "its port identifier (0x and 32 hex digits), port GUID or IP address");
  const auto added = change.unlocked([&] { return tpg_.engine().add_acl(tpg_.tpg_id(), name); });
  if (!added) return tl::unexpected(added.error());
  return std::make_unique<Acl>(tpg_, tpg_.model().next_initiator_index());
}

}  // namespace srpd::lio
