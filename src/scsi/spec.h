// What the core knows about a SCSI command: one row of the command table. Dispatch, REPORT
// SUPPORTED OPERATION CODES, the checks of the CDB, of the range and of write protection, unit
// attentions and counters follow from it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "runtime/task.h"
#include "scsi/command.h"
#include "scsi/io_counters.h"
#include "scsi/reservation_state.h"

namespace srpd::scsi {

/// Which way parameter data or blocks go. `out` includes commands that take data-out only in some
/// forms (VERIFY with BYTCHK).
enum class Data : std::uint8_t { none, in, out };

/// What it does to the medium. A command that reads or writes is refused while the unit is stopped;
/// one that writes also on a write-protected unit.
enum class Access : std::uint8_t { none, read, write };

/// In which asymmetric access states it is served, each with those before it (SPC-4 5.15.2.4; which
/// commands is LIO's choice within what is mandatory). `always` is also at an offline port.
enum class Available : std::uint8_t {
  when_active,
  in_standby,
  when_unavailable,
  in_transition,
  always
};

/// A function pointer that a consteval check can ask for its presence: g++ 12 with UBSan does not
/// take comparisons of function addresses for constant expressions.
template <class Function>
class Handler {
 public:
  constexpr Handler() = default;
  constexpr Handler(Function* function) : function_(function), present_(true) {}

  constexpr bool present() const { return present_; }
  constexpr operator Function*() const { return function_; }

 private:
  Function* function_ = nullptr;
  bool present_ = false;
};

struct Spec {
  std::string_view name;  ///< as the standard prints it
  std::uint8_t opcode = 0;
  std::optional<std::uint16_t> service_action{};
  std::uint8_t cdb_length = 0;
  Data data = Data::none;
  Access access = Access::none;
  IoClass io_class = IoClass::other;  ///< what it is counted as
  Available available = Available::when_active;
  /// To whom it is served while somebody has the unit reserved.
  UnderReservation reserved = UnderReservation::writes;
  /// Served although the nexus sees no unit there (SPC-5 table 56).
  bool any_lun = false;
  /// Neither reports nor clears unit attentions by itself (SAM-5 5.14).
  bool passes_unit_attention = false;
  /// Refused while the unit is stopped although it does not touch the medium.
  bool needs_ready = false;
  /// CDB usage data: the bits that are evaluated, in the opcode and service action fields their
  /// values (SPC-5 6.34.3). A bit set by the host outside of it is an error.
  std::array<std::uint8_t, 16> usage{};
  /// The blocks the CDB names, to be checked against the unit; null: none, or not in the CDB.
  Handler<Extent(std::span<const std::byte> cdb)> extent{};

  /// Not 0: the block count stands at this byte of the CDB and must not exceed the unit's largest
  /// transfer (MAXIMUM TRANSFER LENGTH of SBC-4 6.6.4).
  std::uint8_t transfer_length_at = 0;

  // How it is served: exactly one of `run` and `start`.

  /// Answers at once. With data == in, command.buffer is there for ParameterData.
  Handler<Result(Command& command)> run{};
  /// Tries to serve without waiting, before `start`: false when that cannot be done now.
  Handler<bool(Command& command, Result& result)> run_mapped{};
  /// May wait.
  Handler<runtime::Task<Result>(Command& command)> start{};

  /// Null: always.
  bool (*supported)(const Lu& lu) = nullptr;
};

}  // namespace srpd::scsi
