#include "scsi/reservations.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "scsi/lu.h"
#include "scsi/nexus.h"
#include "scsi/sense.h"

namespace srpd::scsi {
namespace {

using Lock = std::lock_guard<std::mutex>;

Result conflict() { return {Status::reservation_conflict, {}}; }

std::uint16_t relative_port_of(const UnitPort* port) {
  return port == nullptr ? std::uint16_t{1} : port->relative_port.get();
}

std::uint32_t lun_of(const UnitPort* port) { return port == nullptr ? 0 : port->lun; }

PossibleNexus possible_nexus(const ItlNexus& itl) {
  return {*itl.name, relative_port_of(itl.port.get()), itl.number, lun_of(itl.port.get()), 0};
}

PossibleNexus possible_nexus(const NexusPlace& place) {
  return {*place.name, relative_port_of(place.port.get()), place.mapped_lun,
          lun_of(place.port.get()), place.unknown_bytes};
}

bool contains(const std::vector<NexusName>& names, const NexusName& name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const NexusName& each) { return each.same_as(name); });
}

bool registers(const ReserveOut& request) {
  using Action = ReserveOut::Action;
  return request.action == Action::register_key || request.action == Action::register_and_ignore ||
         request.action == Action::register_and_move;
}

void remove_from(ReservationState& state, const NexusName& name) {
  if (const Registration* const found = state.find(name))
    state.remove(static_cast<std::size_t>(found - state.registrations.data()));
}

}  // namespace

// Also that which is on its way.
template <class Change>
void Reservations::change_state(Change change) {
  change(state_);
  if (outcome_) change(outcome_->state);
}

// Administration

void Reservations::enable(bool enabled, bool always_persist) {
  const Lock lock(mutex_);
  always_persist_ = always_persist;
  if (std::exchange(enabled_, enabled) != enabled) publish();
}

void Reservations::set_recorder(Recorder recorder) {
  const Lock lock(mutex_);
  recorder_ = std::move(recorder);
}

bool Reservations::keeps() const {
  const Lock lock(mutex_);
  return recorder_ != nullptr;
}

void Reservations::restore(ReservationState state) {
  const Lock lock(mutex_);
  state_ = std::move(state);
  for (const NexusPlace* const place : places_)
    become_known(*place->name, place->mapped_lun, place->port.get());
  publish();
}

void Reservations::add(const NexusPlace& place) {
  const Lock lock(mutex_);
  places_.push_back(&place);
  become_known(*place.name, place.mapped_lun, place.port.get());
}

void Reservations::remove(const NexusPlace& place) {
  const Lock lock(mutex_);
  std::erase(places_, &place);
  const NexusName& name = *place.name;
  if (state_.registrations.empty() && !outcome_) return;
  if (std::any_of(places_.begin(), places_.end(),
                  [&](const NexusPlace* each) { return each->name->same_as(name); }))
    return;
  change_state([&](ReservationState& state) { remove_from(state, name); });
  publish();
}

void Reservations::forget_port(std::string_view target, std::uint16_t tag) {
  const Lock lock(mutex_);
  if (state_.registrations.empty() && !outcome_) return;
  change_state([&](ReservationState& state) {
    for (std::size_t i = state.registrations.size(); i-- > 0;) {
      const NexusName& name = state.registrations[i].nexus;
      if (name.target == target && name.tag == tag) state.remove(i);
    }
  });
  publish();
}

void Reservations::reset() {
  const Lock lock(mutex_);
  if (!reserved_) return;
  reserved_.reset();
  publish();
}

// As LIO does, it counts as made anew.
void Reservations::become_known(const NexusName& name, std::uint32_t mapped_lun,
                                const UnitPort* port) {
  change_state([&](ReservationState& state) {
    for (Registration& each : state.registrations) {
      if (each.known || !each.nexus.same_as(name) || each.mapped_lun != mapped_lun ||
          each.target_lun != lun_of(port))
        continue;
      each.known = true;
      each.nexus.id = name.id;
      each.relative_port = relative_port_of(port);
      each.generation = state.generation++;
    }
  });
}

// What is

ReservationState Reservations::state() const {
  const Lock lock(mutex_);
  return state_;
}

std::optional<NexusName> Reservations::reserved_by() const {
  const Lock lock(mutex_);
  return reserved_;
}

std::vector<PossibleNexus> Reservations::possible() const {
  std::vector<PossibleNexus> all;
  lu_.for_each_nexus([&](const ItlNexus& itl) { all.push_back(possible_nexus(itl)); });
  for (const NexusPlace* const place : places_) all.push_back(possible_nexus(*place));
  return all;
}

ReservationLevel Reservations::level_of(const NexusName& name) const {
  if (!enabled_) return ReservationLevel::everything;
  if (reserved_)
    return reserved_->same_as(name) ? ReservationLevel::everything : ReservationLevel::reserved;
  return state_.level_of(name);
}

void Reservations::publish() {
  lu_.for_each_nexus([this](ItlNexus& itl) {
    itl.reservation.store(level_of(*itl.name), std::memory_order_relaxed);
  });
}

// For Lu

void Reservations::attach(ItlNexus& itl) {
  const Lock lock(mutex_);
  become_known(*itl.name, itl.number, itl.port.get());
  itl.reservation.store(level_of(*itl.name), std::memory_order_relaxed);
}

// SAM-3 6.3.4: losing the nexus ends what RESERVE began, so that a host that is gone does not keep
// the unit.
void Reservations::detach(const ItlNexus& itl) {
  const Lock lock(mutex_);
  if (!reserved_ || !reserved_->same_as(*itl.name)) return;
  reserved_.reset();
  publish();
}

// Commands

void Reservations::enter(Turn& turn, runtime::Loop& loop) {
  turn.loop_ = &loop;
  turn.next_ = nullptr;
  {
    const Lock lock(mutex_);
    if (std::exchange(busy_, true)) {
      *waiting_end_ = &turn;
      waiting_end_ = &turn.next_;
      return;
    }
  }
  turn.complete(0);
}

void Reservations::leave() {
  const Lock lock(mutex_);
  CHECK(busy_);
  Turn* const next = first_waiting_;
  if (next == nullptr) {
    busy_ = false;
    return;
  }
  first_waiting_ = next->next_;
  if (first_waiting_ == nullptr) waiting_end_ = &first_waiting_;
  next->loop_->post(*next);
}

Result Reservations::decide(std::span<const std::byte> cdb, std::span<const std::byte> list,
                            const ItlNexus& from) {
  ReserveOut request;
  if (const Result result = parse_reserve_out(cdb, list, request); !result.good()) return result;
  const Lock lock(mutex_);
  // SPC-2 5.5.1: the two kinds of reservation exclude each other.
  if (reserved_) return conflict();
  if (always_persist_ && registers(request)) request.persists = true;
  if (request.persists && !recorder_) return sense::invalid_field_in_parameter_list(20, 0);
  outcome_.emplace();
  const Result result = scsi::decide(state_, request, possible_nexus(from), possible(), *outcome_);
  if (!result.good()) outcome_.reset();
  return result;
}

bool Reservations::keep(std::function<void(bool kept)> done) {
  Recorder recorder;
  ReservationState state;
  {
    const Lock lock(mutex_);
    const bool matters = state_.persists || outcome_->state.persists;
    if (!outcome_->has_changed || !matters || !recorder_) return false;
    recorder = recorder_;
    state = outcome_->state;
  }
  recorder(state, std::move(done));
  return true;
}

std::uint32_t Reservations::commit() {
  const Lock lock(mutex_);
  state_ = std::move(outcome_->state);
  publish();
  tell();
  const bool aborts = !outcome_->aborted.empty();
  if (aborts) {
    if (++preemptions_ == 0) ++preemptions_;
    lu_.for_each_nexus([this](ItlNexus& itl) {
      if (contains(outcome_->aborted, *itl.name))
        itl.preemption.store(preemptions_, std::memory_order_relaxed);
    });
  }
  outcome_.reset();
  return aborts ? preemptions_ : 0;
}

void Reservations::drop() {
  const Lock lock(mutex_);
  outcome_.reset();
}

void Reservations::tell() {
  lu_.for_each_nexus([this](ItlNexus& itl) {
    const NexusName& name = *itl.name;
    if (contains(outcome_->reservations_preempted, name))
      itl.raise(UnitAttention::reservations_preempted);
    if (contains(outcome_->reservations_released, name))
      itl.raise(UnitAttention::reservations_released);
    if (contains(outcome_->registrations_preempted, name))
      itl.raise(UnitAttention::registrations_preempted);
  });
}

// SPC-4 5.9.3: with CRH set, who holds a persistent reservation is told that all is well; SPC-2
// 5.5.1 for all others.
Result Reservations::reserve(const ItlNexus& from) {
  const Lock lock(mutex_);
  const Registration* const own = state_.find(*from.name);
  if (own != nullptr && state_.holder &&
      (state_.is_holder(*own) || admits_registrants(state_.type)))
    return {};
  if (!state_.registrations.empty()) return conflict();
  if (reserved_) return reserved_->same_as(*from.name) ? Result{} : conflict();
  reserved_ = *from.name;
  publish();
  return {};
}

Result Reservations::release(const ItlNexus& from) {
  const Lock lock(mutex_);
  const Registration* const own = state_.find(*from.name);
  if (own != nullptr && state_.holder &&
      (state_.is_holder(*own) || admits_registrants(state_.type)))
    return {};
  if (!state_.registrations.empty()) return conflict();
  if (!reserved_ || !reserved_->same_as(*from.name)) return {};
  reserved_.reset();
  publish();
  return {};
}

}  // namespace srpd::scsi
