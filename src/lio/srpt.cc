#include "lio/srpt.h"

#include <cerrno>
#include <cstdint>

#include "lio/model.h"
#include "lio/names.h"
#include "lio/port.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

class DiscoveryAuth final : public Directory {
 public:
  explicit DiscoveryAuth(Model& model) : model_(model) {}
  std::span<const Attribute> attributes() const override;

 private:
  static const Attribute rows[];

  std::string show_port() const { return line(port_); }

  Result<void> store_port(Change& change, std::string_view text) {
    const auto port = parse_number<std::uint16_t>(text);
    if (!port) return tl::unexpected(port.error());
    auto listening = change.unlocked([&] { return model_.engine().listen(*port); });
    if (listening) port_ = *port;
    return listening;
  }

  Model& model_;
  std::uint16_t port_ = 0;
};

const Attribute DiscoveryAuth::rows[] = {
    row<&DiscoveryAuth::show_port, &DiscoveryAuth::store_port>("rdma_cm_port"),
};

std::span<const Attribute> DiscoveryAuth::attributes() const { return rows; }

}  // namespace

const Attribute Srpt::rows[] = {read_only<&Srpt::show_version>("version")};

std::span<const Attribute> Srpt::attributes() const { return rows; }

Srpt::Srpt(Model& model) : model_(model) { make_group<DiscoveryAuth>("discovery_auth", model); }

void Srpt::drop(Change& change) {
  change.unlocked([this] { static_cast<void>(model_.engine().listen(0)); });
}

/// Any name of the right form: which ports there are is what the configuration says.
Result<std::unique_ptr<Directory>> Srpt::make(Change& change, std::string_view name) {
  if (!is_port_name(name))
    return fail(EINVAL, "it is no name of a port",
                "0x and 32 hex digits, or four groups of four with colons, in lower case");
  const auto added = change.unlocked([&] { return model_.engine().add_port(name); });
  if (!added) return tl::unexpected(added.error());
  return std::make_unique<Port>(model_);
}

}  // namespace srpd::lio
