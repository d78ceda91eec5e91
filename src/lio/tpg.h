// srpt/PORT/TPG: LUNs and the initiators that see them. rtslib makes one, tpgt_1.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lio/engine.h"
#include "lio/rows.h"

namespace srpd::lio {

class Lun;
class Model;
class Port;

class Tpg final : public Directory {
 public:
  Tpg(Port& port, TpgId id, std::uint16_t rtpi);
  static Result<std::unique_ptr<Directory>> make_in(Change& change, Port& port);

  std::span<const Attribute> attributes() const override;
  void drop(Change& change) override;

  Port& port() const { return port_; }
  Model& model() const;
  Engine& engine() const;
  TpgId tpg_id() const { return id_; }
  /// Relative target port identifier. Older kernels give it with mkdir; newer ones when the tpg is
  /// enabled and nobody has written one, and it is 0 before.
  std::uint16_t rtpi() const { return rtpi_; }

 private:
  static const Attribute rows[];

  std::string show_enable() const;
  Result<void> store_enable(Change& change, std::string_view text);
  std::string show_rtpi() const;
  Result<void> store_rtpi(Change& change, std::string_view text);

  Result<void> enable(Change& change);
  Result<std::uint16_t> take_rtpi() const;

  Port& port_;
  const TpgId id_;
  std::uint16_t rtpi_;
  std::uint16_t given_;  ///< what the engine knows
  bool rtpi_written_ = false;
  bool enabled_ = false;
};

}  // namespace srpd::lio
