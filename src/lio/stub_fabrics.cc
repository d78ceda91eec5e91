#include "lio/stub_fabrics.h"

#include <cerrno>
#include <string>

#include "lio/rows.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

constexpr std::size_t max_secret = 255;

/// Kept for whoever reads them again; nobody logs in.
class IscsiDiscoveryAuth final : public Directory {
 public:
  std::span<const Attribute> attributes() const override;

 private:
  static const Attribute rows[];

  template <std::string IscsiDiscoveryAuth::* member>
  std::string show() const {
    return this->*member + '\n';
  }
  template <std::string IscsiDiscoveryAuth::* member>
  Result<void> store(Change&, std::string_view text) {
    if (text.size() > max_secret) return fail(EINVAL, "it is longer than 255 bytes");
    this->*member = std::string(without_newline(text));
    return {};
  }
  std::string show_enforce() const { return line(enforce_ ? 1 : 0); }
  Result<void> store_enforce(Change&, std::string_view text) {
    const auto wanted = parse_within(text, 0, 1);
    if (!wanted) return tl::unexpected(wanted.error());
    enforce_ = *wanted != 0;
    return {};
  }
  std::string show_authenticate() const { return line(has(user_mutual_) ? 1 : 0); }
  static bool has(const std::string& name) { return !name.empty() && name != "NULL"; }

  bool enforce_ = false;
  std::string user_, password_, user_mutual_, password_mutual_;
};

const Attribute IscsiDiscoveryAuth::rows[] = {
    read_only<&IscsiDiscoveryAuth::show_authenticate>("authenticate_target"),
    row<&IscsiDiscoveryAuth::show_enforce, &IscsiDiscoveryAuth::store_enforce>(
        "enforce_discovery_auth"),
    row<&IscsiDiscoveryAuth::show<&IscsiDiscoveryAuth::password_>,
        &IscsiDiscoveryAuth::store<&IscsiDiscoveryAuth::password_>>("password"),
    row<&IscsiDiscoveryAuth::show<&IscsiDiscoveryAuth::password_mutual_>,
        &IscsiDiscoveryAuth::store<&IscsiDiscoveryAuth::password_mutual_>>("password_mutual"),
    row<&IscsiDiscoveryAuth::show<&IscsiDiscoveryAuth::user_>,
        &IscsiDiscoveryAuth::store<&IscsiDiscoveryAuth::user_>>("userid"),
    row<&IscsiDiscoveryAuth::show<&IscsiDiscoveryAuth::user_mutual_>,
        &IscsiDiscoveryAuth::store<&IscsiDiscoveryAuth::user_mutual_>>("userid_mutual"),
};

std::span<const Attribute> IscsiDiscoveryAuth::attributes() const { return rows; }

class StubFabric : public Directory {
 public:
  Result<std::unique_ptr<Directory>> make(Change&, std::string_view) override {
    return fail(EPERM, "srpd serves no targets of this fabric", "make them in srpt");
  }
};

class Iscsi final : public StubFabric {
 public:
  Iscsi() { make_group<IscsiDiscoveryAuth>("discovery_auth"); }
};

}  // namespace

std::unique_ptr<tree::Directory> make_stub_fabric(std::string_view name) {
  if (name == "iscsi") return std::make_unique<Iscsi>();
  if (name == "loopback" || name == "vhost" || name == "xen-pvscsi")
    return std::make_unique<StubFabric>();
  return nullptr;
}

}  // namespace srpd::lio
