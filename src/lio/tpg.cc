#include "lio/tpg.h"

#include <fmt/format.h>

#include <cerrno>
#include <optional>
#include <type_traits>

#include "lio/acl.h"
#include "lio/lun.h"
#include "lio/model.h"
#include "lio/port.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

class Empty final : public Directory {};

/// SRP has no network portals of its own: it is where the port is.
class Portals final : public Directory {
 public:
  Result<std::unique_ptr<Directory>> make(Change&, std::string_view) override {
    return fail(ENOSYS, "SRP has no portals", "hosts log in by discovery_auth/rdma_cm_port");
  }
};

/// They are those of the port: tpgs of one port show the same.
class TpgAttrib final : public Directory {
 public:
  explicit TpgAttrib(Port& port) : port_(port) {}
  std::span<const Attribute> attributes() const override;

 private:
  static const Attribute rows[];

  template <auto member>
  std::string show() const {
    return line(static_cast<std::uint32_t>(port_.settings().*member));
  }
  template <auto member, std::uint32_t least, std::uint32_t most>
  Result<void> store(Change& change, std::string_view text) {
    const auto value = parse_within(text, least, most);
    if (!value) {
      // Only use_srq knows ERANGE: elsewhere what does not fit is out of bounds like anything else.
      constexpr bool is_flag = std::is_same_v<decltype(member), bool PortSettings::*>;
      const int code = is_flag && value.error().code == ERANGE ? ERANGE : EINVAL;
      return fail(code, value.error().cause, fmt::format("write {} to {}", least, most));
    }
    PortSettings wanted = port_.settings();
    wanted.*member = static_cast<std::remove_reference_t<decltype(wanted.*member)>>(*value);
    return port_.set(change, wanted);
  }

  Port& port_;
};

const Attribute TpgAttrib::rows[] = {
    row<&TpgAttrib::show<&PortSettings::max_rdma_size>,
        &TpgAttrib::store<&PortSettings::max_rdma_size, 65536, 16777216>>("srp_max_rdma_size"),
    row<&TpgAttrib::show<&PortSettings::max_rsp_size>,
        &TpgAttrib::store<&PortSettings::max_rsp_size, 40, 1024>>("srp_max_rsp_size"),
    row<&TpgAttrib::show<&PortSettings::sq_size>,
        &TpgAttrib::store<&PortSettings::sq_size, 4, 65535>>("srp_sq_size"),
    row<&TpgAttrib::show<&PortSettings::use_srq>, &TpgAttrib::store<&PortSettings::use_srq, 0, 1>>(
        "use_srq"),
};

std::span<const Attribute> TpgAttrib::attributes() const { return rows; }

}  // namespace

const Attribute Tpg::rows[] = {
    row<&Tpg::show_enable, &Tpg::store_enable>("enable"),
    row<&Tpg::show_rtpi, &Tpg::store_rtpi>("rtpi"),
};

Tpg::Tpg(Port& port, TpgId id, std::uint16_t rtpi)
    : port_(port), id_(id), rtpi_(rtpi), given_(rtpi) {
  make_group<Luns>("lun", *this);
  make_group<Portals>("np");
  make_group<Acls>("acls", *this);
  make_group<TpgAttrib>("attrib", port);
  make_group<Empty>("auth");
  make_group<Empty>("param");
}

Result<std::unique_ptr<Directory>> Tpg::make_in(Change& change, Port& port) {
  Model& model = port.model();
  const auto rtpi = model.newer() ? std::optional<std::uint16_t>(0) : model.take_rtpi();
  if (!rtpi) return fail(ENOSPC, "there is no free relative target port identifier");
  const TpgId id = model.next_tpg();
  auto tpg = std::make_unique<Tpg>(port, id, *rtpi);
  const auto taken =
      change.unlocked([&] { return model.engine().add_tpg(id, port.name(), *rtpi); });
  if (!taken) {
    model.give_rtpi(*rtpi);
    return tl::unexpected(taken.error());
  }
  return tpg;
}

std::span<const Attribute> Tpg::attributes() const {
  return model().newer() ? std::span<const Attribute>(rows)
                         : std::span<const Attribute>(rows).first<1>();
}

void Tpg::drop(Change& change) {
  change.unlocked([this] { engine().remove_tpg(id_); });
  if (enabled_ || !model().newer()) model().give_rtpi(rtpi_);
}

Model& Tpg::model() const { return port_.model(); }

Engine& Tpg::engine() const { return model().engine(); }

std::string Tpg::show_enable() const { return line(enabled_ ? 1 : 0); }

Result<void> Tpg::store_enable(Change& change, std::string_view text) {
  const auto wanted = parse_flag(text);
  if (!wanted) return fail(EINVAL, wanted.error().cause, "write 0 or 1");
  if (*wanted == enabled_) return {};
  if (*wanted) return enable(change);
  auto done = change.unlocked([&] { return engine().enable_tpg(id_, false); });
  if (!done) return done;
  enabled_ = false;
  if (model().newer()) model().give_rtpi(rtpi_);
  return {};
}

Result<void> Tpg::enable(Change& change) {
  const auto rtpi = model().newer() ? take_rtpi() : Result<std::uint16_t>(rtpi_);
  if (!rtpi) return tl::unexpected(rtpi.error());
  auto done = change.unlocked([&]() -> Result<void> {
    if (*rtpi != given_) {
      if (auto set = engine().set_rtpi(id_, *rtpi); !set) return set;
    }
    return engine().enable_tpg(id_, true);
  });
  if (done) {
    enabled_ = true;
    rtpi_ = given_ = *rtpi;
  } else if (model().newer()) {
    model().give_rtpi(*rtpi);
  }
  return done;
}

/// The one that was written, else the lowest free one.
Result<std::uint16_t> Tpg::take_rtpi() const {
  if (rtpi_written_) {
    if (!model().take_rtpi(rtpi_)) return fail(EINVAL, "another tpg has its identifier");
    return rtpi_;
  }
  const auto rtpi = model().take_rtpi();
  if (!rtpi) return fail(ENOSPC, "there is no free relative target port identifier");
  return *rtpi;
}

std::string Tpg::show_rtpi() const { return fmt::format("0x{:x}\n", rtpi_); }

/// Whether it is free is seen when the tpg is enabled.
Result<void> Tpg::store_rtpi(Change& change, std::string_view text) {
  static_cast<void>(change);
  const auto wanted = parse_number<std::uint16_t>(text);
  if (!wanted) return tl::unexpected(wanted.error());
  if (*wanted == 0) return fail(EINVAL, "0 is no identifier", "write 1 to 65535");
  if (enabled_) return fail(EINVAL, "the tpg is enabled", "write 0 to its enable first");
  rtpi_ = *wanted;
  rtpi_written_ = true;
  return {};
}

}  // namespace srpd::lio
