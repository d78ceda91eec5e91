// What each service action of PERSISTENT RESERVE OUT does: SPC-4 5.9.7 to 5.9.11. The order of the
// checks is LIO's, since it decides which of several faults a host hears of.
#include <algorithm>
#include <utility>

#include "scsi/reservation_state.h"
#include "scsi/sense.h"
#include "wire/scsi_reservations.h"

namespace srpd::scsi {
namespace {

using Action = ReserveOut::Action;

Result conflict() { return {Status::reservation_conflict, {}}; }
// Without a pointer: LIO says so of several fields, not all of them in the list.
Result bad_list() { return sense::check_condition(SenseKey::illegal_request, 0x2600); }
// LIO's answer to who is not registered: NOT READY, LOGICAL UNIT COMMUNICATION FAILURE.
Result not_registered() { return sense::check_condition(SenseKey::not_ready, 0x0800); }
Result bad_type() { return sense::invalid_field_in_cdb(2, 3); }

bool same_initiator(const NexusName& a, const NexusName& b) { return a.initiator == b.initiator; }

class Decision {
 public:
  Decision(const ReserveOut& request, const PossibleNexus& from,
           std::span<const PossibleNexus> possible, ReserveOutcome& outcome)
      : request_(request), from_(from), possible_(possible), outcome_(outcome) {}

  Result decide() {
    switch (request_.action) {
      case Action::register_key:
      case Action::register_and_ignore:
        return own() == nullptr ? register_new() : register_again();
      case Action::reserve:
        return reserve();
      case Action::release:
        return release();
      case Action::clear:
        return clear();
      case Action::preempt:
      case Action::preempt_and_abort:
        return preempt();
      case Action::register_and_move:
        return move();
    }
    return sense::invalid_field_in_cdb(1, 4);
  }

 private:
  ReservationState& state() { return outcome_.state; }
  std::vector<Registration>& all() { return state().registrations; }
  bool ignores_key() const { return request_.action == Action::register_and_ignore; }
  bool is_own(const Registration& each) const { return each.nexus.same_as(from_.name); }

  Registration* own() {
    const auto found =
        std::find_if(all().begin(), all().end(), [&](const auto& each) { return is_own(each); });
    return found == all().end() ? nullptr : &*found;
  }
  std::size_t index_of(const Registration& each) {
    return static_cast<std::size_t>(&each - all().data());
  }

  Result changed() {
    outcome_.has_changed = true;
    return {};
  }

  void tell_registrants(std::vector<NexusName>& told) {
    for (const Registration& each : all())
      if (!is_own(each)) told.push_back(each.nexus);
  }

  void add(const PossibleNexus& nexus) {
    if (state().find(nexus.name) != nullptr) return;
    Registration made;
    made.nexus = nexus.name;
    made.relative_port = nexus.relative_port;
    made.mapped_lun = nexus.mapped_lun;
    made.target_lun = nexus.target_lun;
    made.key = request_.new_key;
    made.all_target_ports = request_.all_target_ports;
    made.generation = state().generation++;
    all().push_back(std::move(made));
  }

  // With ALL_TG_PT wherever else the same initiator can see the unit.
  void add_everywhere(const PossibleNexus& nexus) {
    add(nexus);
    if (!request_.all_target_ports) return;
    for (const PossibleNexus& each : possible_)
      if (same_initiator(each.name, nexus.name)) add(each);
  }

  const PossibleNexus* find_possible(const PortId& id, std::uint16_t relative_port) const {
    const auto found =
        std::find_if(possible_.begin(), possible_.end(), [&](const PossibleNexus& each) {
          return each.relative_port == relative_port && each.has_id(id);
        });
    return found == possible_.end() ? nullptr : &*found;
  }

  // SPC-4 table 57.
  Result register_new() {
    if (!ignores_key() && request_.key != 0) return conflict();
    if (request_.new_key == 0) return {};
    // None of them, or all (SPC-4 6.16.3).
    std::vector<const PossibleNexus*> others;
    for (const PortId& id : request_.initiators) {
      others.push_back(find_possible(id, from_.relative_port));
      if (others.back() == nullptr) return bad_list();
    }
    add_everywhere(from_);
    for (const PossibleNexus* const each : others) add_everywhere(*each);
    state().persists = request_.persists;
    return changed();
  }

  Result register_again() {
    Registration& mine = *own();
    if (!ignores_key() && request_.key != mine.key) return conflict();
    if (request_.spec_i_pt) return bad_list();
    if (mine.all_target_ports && !request_.all_target_ports)
      return sense::invalid_field_in_cdb(1, 4);
    if (request_.new_key != 0) {
      mine.key = request_.new_key;
      mine.generation = state().generation++;
    } else if (const Result result = unregister(mine); !result.good()) {
      return result;
    }
    state().persists = request_.persists;
    return changed();
  }

  // SPC-4 5.9.11.3. PRgeneration stays, as LIO has it.
  Result unregister(const Registration& mine) {
    const Registration gone = mine;
    const bool held = state().holder && *state().holder == index_of(mine);
    if (!held && state().holder && gone.all_target_ports) {
      const Registration& holder = all()[*state().holder];
      if (same_initiator(holder.nexus, gone.nexus) && holder.key == gone.key) return conflict();
    }
    const ReservationType type = state().type;
    for (std::size_t i = all().size(); i-- > 0;) {
      const Registration& each = all()[i];
      const bool sibling = gone.all_target_ports && each.all_target_ports && each.key == gone.key &&
                           same_initiator(each.nexus, gone.nexus);
      if (is_own(each) || sibling) state().remove(i);
    }
    if (held && admits_registrants(type) && !is_held_by_all(type))
      tell_registrants(outcome_.reservations_released);
    return {};
  }

  Result reserve() {
    if (!is_reservation_type(request_.type)) return bad_type();
    const Registration* const mine = own();
    if (mine == nullptr) return not_registered();
    if (request_.key != mine->key) return conflict();
    if (request_.scope != 0) return bad_list();
    const auto type = static_cast<ReservationType>(request_.type);
    if (state().holder) {
      if (!state().is_holder(*mine) || state().type != type) return conflict();
      return {};
    }
    state().holder = index_of(*mine);
    state().type = type;
    return changed();
  }

  Result release() {
    const Registration* const mine = own();
    if (mine == nullptr) return not_registered();
    if (!state().is_holder(*mine)) return {};
    if (request_.key != mine->key) return conflict();
    const ReservationType type = state().type;
    if (static_cast<std::uint8_t>(type) != request_.type || request_.scope != 0) return conflict();
    state().holder.reset();
    state().type = ReservationType::none;
    if (admits_registrants(type)) tell_registrants(outcome_.reservations_released);
    return changed();
  }

  Result clear() {
    const Registration* const mine = own();
    if (mine == nullptr) return not_registered();
    if (request_.key != mine->key) return conflict();
    tell_registrants(outcome_.reservations_preempted);
    const std::uint32_t generation = state().generation + 1;
    state() = {};
    state().generation = generation;
    return changed();
  }

  // Removes registrations that `chosen` says. Whether there were any: of who asks it counts, also
  // where it stays.
  template <class Chosen>
  bool remove_preempted(bool keep_own, Chosen chosen) {
    bool matched = false;
    for (std::size_t i = all().size(); i-- > 0;) {
      if (!chosen(all()[i])) continue;
      matched = true;
      if (!is_own(all()[i])) {
        outcome_.registrations_preempted.push_back(all()[i].nexus);
        outcome_.aborted.push_back(all()[i].nexus);
      } else if (keep_own) {
        continue;
      }
      state().remove(i);
    }
    return matched;
  }

  void take_reservation() {
    state().holder = index_of(*own());
    state().type = static_cast<ReservationType>(request_.type);
  }

  // SPC-4 5.9.11.4.
  Result preempt() {
    if (!is_reservation_type(request_.type)) return bad_type();
    const Registration* const mine = own();
    if (mine == nullptr || request_.key != mine->key) return conflict();
    if (request_.scope != 0) return bad_list();
    const bool held_by_all = state().holder && is_held_by_all(state().type);
    const std::uint64_t wanted = request_.new_key;
    if (!held_by_all && wanted == 0) return bad_list();
    const auto named = [&](const Registration& each) { return each.key == wanted; };
    if (state().holder && all()[*state().holder].key == wanted) {
      preempt_holder(named);
    } else if (held_by_all && wanted == 0) {
      remove_preempted(true, [](const Registration&) { return true; });
      take_reservation();
    } else if (!remove_preempted(held_by_all, named)) {
      return conflict();
    }
    ++state().generation;
    if (request_.action == Action::preempt) outcome_.aborted.clear();
    return changed();
  }

  template <class Named>
  void preempt_holder(Named named) {
    const ReservationType before = state().type;
    remove_preempted(true, named);
    take_reservation();
    if (state().type != before) tell_registrants(outcome_.reservations_released);
  }

  // SPC-4 5.9.8.
  Result move() {
    const Registration* const mine = own();
    if (mine == nullptr) return not_registered();
    if (request_.key != mine->key) return conflict();
    if (request_.new_key == 0) return bad_list();
    const PossibleNexus* const to =
        find_possible(request_.initiators.front(), request_.relative_port);
    if (to == nullptr || same_initiator(to->name, from_.name)) return bad_list();
    if (!state().holder) return sense::invalid_field_in_cdb(1, 4);
    if (!state().is_holder(*mine) || is_held_by_all(state().type)) return conflict();
    move_to(*to);
    state().persists = request_.persists;
    return changed();
  }

  void move_to(const PossibleNexus& to) {
    const bool is_new = state().find(to.name) == nullptr;
    add(to);
    Registration& taker = *std::find_if(
        all().begin(), all().end(), [&](const auto& each) { return each.nexus.same_as(to.name); });
    taker.key = request_.new_key;
    if (!is_new) taker.generation = state().generation++;
    state().holder = index_of(taker);
    if (request_.unregister) state().remove(index_of(*own()));
  }

  const ReserveOut& request_;
  const PossibleNexus& from_;
  const std::span<const PossibleNexus> possible_;
  ReserveOutcome& outcome_;
};

Result parse_transport_ids(std::span<const std::byte> list, std::vector<PortId>& out) {
  for (; !list.empty(); list = list.subspan(sizeof(wire::SrpTransportId))) {
    const auto* const id = wire::view<wire::SrpTransportId>(list);
    if (id == nullptr || id->format_and_protocol != wire::SrpTransportId::srp) return bad_list();
    std::transform(std::begin(id->port), std::end(id->port), out.emplace_back().begin(),
                   [](std::uint8_t byte) { return std::byte{byte}; });
  }
  return {};
}

Result parse_move(std::span<const std::byte> list, ReserveOut& out) {
  using List = wire::RegisterAndMoveList;
  const auto& fields = *wire::view<List>(list);
  out.persists = (fields.flags & List::aptpl) != 0;
  out.unregister = (fields.flags & List::unreg) != 0;
  out.relative_port = fields.relative_port;
  const auto id = list.subspan(sizeof fields);
  if (fields.transport_id_length != id.size() || id.size() != sizeof(wire::SrpTransportId))
    return bad_list();
  return parse_transport_ids(id, out.initiators);
}

}  // namespace

Result parse_reserve_out(std::span<const std::byte> cdb, std::span<const std::byte> list,
                         ReserveOut& out) {
  using Cdb = wire::PersistentReserveOutCdb;
  using List = wire::PersistentReserveOutList;
  const auto& command = *wire::view<Cdb>(cdb);
  const auto& fields = *wire::view<List>(list);
  out.action = static_cast<Action>(command.service_action & 0x1f);
  out.scope = static_cast<std::uint8_t>(command.scope_and_type >> Cdb::scope_shift);
  out.type = command.scope_and_type & Cdb::type_mask;
  out.key = fields.key;
  out.new_key = fields.service_action_key;
  if (out.action == Action::register_and_move) return parse_move(list, out);
  out.spec_i_pt = (fields.flags & List::spec_i_pt) != 0;
  out.all_target_ports = (fields.flags & List::all_tg_pt) != 0;
  // SPC-4 6.16.3: APTPL means nothing to the others.
  const bool registers =
      out.action == Action::register_key || out.action == Action::register_and_ignore;
  out.persists = registers && (fields.flags & List::aptpl) != 0;
  if (!out.spec_i_pt)
    return list.size() == sizeof fields ? Result{} : sense::parameter_list_length_error();
  if (out.action != Action::register_key) return bad_list();
  const auto* const length = wire::view<wire::be32>(list.subspan(sizeof fields));
  if (length == nullptr || *length != list.size() - sizeof fields - sizeof *length)
    return bad_list();
  return parse_transport_ids(list.subspan(sizeof fields + sizeof *length), out.initiators);
}

Result decide(const ReservationState& state, const ReserveOut& request, const PossibleNexus& from,
              std::span<const PossibleNexus> possible, ReserveOutcome& outcome) {
  outcome = {};
  outcome.state = state;
  return Decision(request, from, possible, outcome).decide();
}

}  // namespace srpd::scsi
