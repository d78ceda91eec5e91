// The reservations of a unit while all loops serve it: persistent ones (SPC-4 5.9) and those of
// RESERVE and RELEASE (SPC-2 5.5). What a command has to look at is one byte of its I_T_L nexus, 0
// where nothing is in its way; all else is under a lock and changes rarely.
//
// A PERSISTENT RESERVE OUT takes its turn, is decided on a copy (reservation_state.h), kept where
// that is asked for, and only then becomes what is: when it cannot be kept nothing has changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/completion.h"
#include "runtime/loop.h"
#include "scsi/reservation_state.h"

namespace srpd::scsi {

class Lu;
class UnitPort;
struct ItlNexus;

/// Where an I_T nexus of the unit can be, whether or not a host is logged in: a LUN of an ACL.
/// Belongs to whoever adds it.
struct NexusPlace {
  std::shared_ptr<const NexusName> name;
  std::size_t unknown_bytes = 0;  ///< of name->id: PossibleNexus
  std::shared_ptr<const UnitPort> port;
  std::uint32_t mapped_lun = 0;
};

class Reservations {
 public:
  /// Keeps the state over a loss of power; calls `done` then, from any thread, with false when
  /// that is not possible. Must not wait.
  using Recorder =
      std::function<void(const ReservationState& state, std::function<void(bool kept)> done)>;

  explicit Reservations(Lu& lu) : lu_(lu) {}
  Reservations(const Reservations&) = delete;
  Reservations& operator=(const Reservations&) = delete;

  // Administration. Any thread.

  /// Lu's attributes have changed: emulate_pr, force_pr_aptpl.
  void enable(bool enabled, bool always_persist);
  /// Without one, registrations cannot survive a loss of power, and hosts are told so.
  void set_recorder(Recorder recorder);
  /// What was kept, before hosts see the unit. Registrations that are not known wait for their
  /// nexus to become possible; what they reserve is reserved from now on.
  void restore(ReservationState state);
  void add(const NexusPlace& place);
  /// What it has registered goes as well.
  void remove(const NexusPlace& place);
  /// The port no longer shows the unit.
  void forget_port(std::string_view target, std::uint16_t tag);
  /// LOGICAL UNIT RESET ends what RESERVE began.
  void reset();

  // What is. Any thread.

  ReservationState state() const;
  /// Who has sent RESERVE.
  std::optional<NexusName> reserved_by() const;
  bool keeps() const;

  // For Lu.

  void attach(ItlNexus& itl);
  void detach(const ItlNexus& itl);

  // Commands that change something: one at a time. With it from when its turn has come, on its
  // loop.

  class Turn : public runtime::Completion, private runtime::Mail {
   public:
    Turn() : Mail([](Mail& self) { static_cast<Turn&>(self).complete(0); }) {}

   private:
    friend class Reservations;
    runtime::Loop* loop_ = nullptr;
    Turn* next_ = nullptr;
  };
  void enter(Turn& turn, runtime::Loop& loop);
  void leave();

  /// PERSISTENT RESERVE OUT: what it would do.
  Result decide(std::span<const std::byte> cdb, std::span<const std::byte> list,
                const ItlNexus& from);
  /// Has it kept. False: there is nothing to keep; else `done` follows, from any thread.
  bool keep(std::function<void(bool kept)> done);
  /// Does it, and tells hosts. Not 0: the number of this preemption, with which the nexuses are
  /// marked whose commands have to be aborted.
  std::uint32_t commit();
  /// Does not.
  void drop();

  /// RESERVE(6), RESERVE(10), RELEASE(6), RELEASE(10).
  Result reserve(const ItlNexus& from);
  Result release(const ItlNexus& from);

 private:
  template <class Change>
  void change_state(Change change);
  std::vector<PossibleNexus> possible() const;
  ReservationLevel level_of(const NexusName& name) const;
  void publish();
  void become_known(const NexusName& name, std::uint32_t mapped_lun, const UnitPort* port);
  void tell();

  Lu& lu_;
  mutable std::mutex mutex_;
  ReservationState state_;
  std::optional<NexusName> reserved_;
  std::vector<const NexusPlace*> places_;
  Recorder recorder_;
  bool enabled_ = true;
  bool always_persist_ = false;
  std::uint32_t preemptions_ = 0;

  bool busy_ = false;
  Turn* first_waiting_ = nullptr;
  Turn** waiting_end_ = &first_waiting_;
  std::optional<ReserveOutcome> outcome_;  ///< decided, not done
};

}  // namespace srpd::scsi
