#include "scsi/target_port_groups.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "scsi/lu.h"
#include "scsi/nexus.h"
#include "scsi/sense.h"
#include "scsi/spec.h"
#include "wire/scsi_parameters.h"

namespace srpd::scsi {
namespace {

using wire::SetTargetPortGroupDescriptor;
using Lock = std::lock_guard<std::mutex>;

// The word: the state, whether the port is offline, and the delay.
constexpr std::uint32_t state_mask = 0xf;
constexpr std::uint32_t offline_bit = 0x10;
constexpr unsigned delay_shift = 8;

constexpr std::size_t list_header = 4;

// The bit of a state in byte 1 of a descriptor of REPORT TARGET PORT GROUPS (SPC-4 6.37).
std::uint8_t support_bit(AccessState state) {
  switch (state) {
    case AccessState::active_optimized:
      return 0x01;
    case AccessState::active_nonoptimized:
      return 0x02;
    case AccessState::standby:
      return 0x04;
    case AccessState::unavailable:
      return 0x08;
    case AccessState::offline:
      return 0x40;
    case AccessState::transitioning:
      return 0x80;
  }
  return 0;
}

template <class Visitor>
void for_each_descriptor(std::span<const std::byte> list, Visitor visit) {
  for (std::size_t at = list_header; at + sizeof(SetTargetPortGroupDescriptor) <= list.size();
       at += sizeof(SetTargetPortGroupDescriptor)) {
    const auto& descriptor = *wire::view<SetTargetPortGroupDescriptor>(list.subspan(at));
    visit(static_cast<std::uint8_t>(descriptor.state & SetTargetPortGroupDescriptor::state_mask),
          static_cast<std::uint16_t>(descriptor.id), at);
  }
}

}  // namespace

TargetPortGroup& TargetPortGroups::group_at(std::uint16_t id) {
  const auto found = groups_.find(id);
  return found != groups_.end() ? found->second : groups_.at(0);
}

const TargetPortGroup& TargetPortGroups::group_at(std::uint16_t id) const {
  const auto found = groups_.find(id);
  return found != groups_.end() ? found->second : groups_.at(0);
}

std::uint32_t TargetPortGroups::make_word(const UnitPort& port) const {
  if (!enabled_) return 0;
  const TargetPortGroup& group = group_at(port.access_.group);
  auto word = static_cast<std::uint32_t>(group.state);
  if (port.access_.offline) word |= offline_bit;
  if (group.state == AccessState::active_nonoptimized)
    word |= group.nonoptimized_delay_ms << delay_shift;
  return word;
}

// The words of ports first: a nexus that comes meanwhile begins with that of its port.
void TargetPortGroups::publish() {
  for (UnitPort* const port : ports_)
    port->word_.store(make_word(*port), std::memory_order_relaxed);
  lu_.for_each_nexus(
      [](ItlNexus& itl) { itl.access.store(word_of(itl.port.get()), std::memory_order_relaxed); });
  allows_explicit_.store(
      std::any_of(groups_.begin(), groups_.end(),
                  [](const auto& entry) {
                    return (entry.second.access_type & TargetPortGroup::explicitly) != 0;
                  }),
      std::memory_order_relaxed);
}

// Administration

void TargetPortGroups::set(const TargetPortGroup& group) {
  const Lock lock(mutex_);
  const auto [at, is_new] = groups_.try_emplace(group.id, group);
  const TargetPortGroup before = std::exchange(at->second, group);
  publish();
  // Without a port in it no host sees anything of it but its line in a report.
  if (std::none_of(ports_.begin(), ports_.end(), [&](const UnitPort* port) {
        return &group_at(port->access_.group) == &at->second;
      }))
    return;
  if (before.state != group.state) lu_.raise(UnitAttention::alua_state_changed);
  // TPGS of the standard INQUIRY data.
  if (before.access_type != group.access_type) lu_.raise(UnitAttention::inquiry_data_changed);
}

void TargetPortGroups::remove(std::uint16_t id) {
  CHECK(id != 0);
  const Lock lock(mutex_);
  groups_.erase(id);
  publish();
}

void TargetPortGroups::set_unit_group(std::optional<std::uint16_t> id) {
  const Lock lock(mutex_);
  if (std::exchange(unit_group_, id) != id) lu_.raise(UnitAttention::inquiry_data_changed);
}

void TargetPortGroups::set_recorder(Recorder recorder) {
  const Lock lock(mutex_);
  recorder_ = std::move(recorder);
}

void TargetPortGroups::add(UnitPort& port) {
  const Lock lock(mutex_);
  ports_.push_back(&port);
  publish();
}

void TargetPortGroups::remove(UnitPort& port) {
  const Lock lock(mutex_);
  std::erase(ports_, &port);
}

// A port that changes its group changes page 83h, and perhaps the state that hosts see.
void TargetPortGroups::set_access(UnitPort& port, const PortAccess& access) {
  const Lock lock(mutex_);
  const PortAccess before = std::exchange(port.access_, access);
  if (before == access) return;
  publish();
  if (before.offline != access.offline ||
      group_at(before.group).state != group_at(access.group).state)
    lu_.raise(UnitAttention::alua_state_changed);
  if (before.group != access.group) lu_.raise(UnitAttention::inquiry_data_changed);
}

void TargetPortGroups::enable(bool enabled) {
  const Lock lock(mutex_);
  if (std::exchange(enabled_, enabled) == enabled) return;
  publish();
  lu_.raise(UnitAttention::inquiry_data_changed);
}

// What is

TargetPortGroup TargetPortGroups::group_of(const UnitPort* port) const {
  const Lock lock(mutex_);
  return group_at(port == nullptr ? std::uint16_t{0} : port->access_.group);
}

std::optional<std::uint16_t> TargetPortGroups::unit_group() const {
  const Lock lock(mutex_);
  return unit_group_;
}

namespace {

/// Counts what does not fit.
class Report {
 public:
  explicit Report(std::span<std::byte> out) : out_(out) {}

  template <wire::Layout T>
  void put(const T& value) {
    if (T* const place = wire::view_mut<T>(out_.subspan(std::min(size_, out_.size()))))
      *place = value;
    size_ += sizeof(T);
  }
  std::size_t size() const { return size_; }
  template <wire::Layout T>
  T* front() const {
    return wire::view_mut<T>(out_);
  }

 private:
  std::span<std::byte> out_;
  std::size_t size_ = 0;
};

}  // namespace

std::size_t TargetPortGroups::report(bool extended, const UnitPort* port,
                                     std::span<std::byte> out) const {
  const Lock lock(mutex_);
  Report report(out);
  report.put(wire::be32{});
  if (extended) {
    const TargetPortGroup& own = group_at(port == nullptr ? std::uint16_t{0} : port->access_.group);
    wire::TargetPortGroupsExtension header{};
    header.format = wire::TargetPortGroupsExtension::extended;
    header.implicit_transition_seconds = static_cast<std::uint8_t>(own.implicit_transition_s);
    report.put(header);
  }
  for (const auto& [id, group] : groups_) {
    std::vector<std::uint16_t> members;
    for (const UnitPort* const each : ports_)
      if (&group_at(each->access_.group) == &group) members.push_back(each->relative_port);
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    // The count has one byte; nothing on this earth has more ports in a group.
    members.resize(std::min<std::size_t>(members.size(), UINT8_MAX));

    wire::TargetPortGroupDescriptor descriptor{};
    descriptor.state = static_cast<std::uint8_t>(group.state);
    if (group.preferred) descriptor.state |= wire::TargetPortGroupDescriptor::preferred;
    descriptor.supported = group.supported;
    descriptor.id = id;
    descriptor.status = group.status;
    descriptor.port_count = static_cast<std::uint8_t>(members.size());
    report.put(descriptor);
    for (const std::uint16_t member : members) report.put(wire::TargetPortDescriptor{{}, member});
  }
  if (auto* const length = report.front<wire::be32>())
    *length = static_cast<std::uint32_t>(report.size() - sizeof(wire::be32));
  return report.size();
}

// SET TARGET PORT GROUPS

bool TargetPortGroups::has_port(std::uint16_t relative_port) const {
  return std::any_of(ports_.begin(), ports_.end(),
                     [=](const UnitPort* port) { return port->relative_port == relative_port; });
}

// SPC-4 table 268: a primary state names a group, offline a port. No host can ask for the state in
// between.
Result TargetPortGroups::check_descriptor(std::uint8_t state, std::uint16_t id,
                                          std::size_t at) const {
  const auto wanted = static_cast<AccessState>(state);
  const auto bad_state = sense::invalid_field_in_parameter_list(static_cast<std::uint16_t>(at), 3);
  const auto bad_id = sense::invalid_field_in_parameter_list(
      static_cast<std::uint16_t>(at + offsetof(SetTargetPortGroupDescriptor, id)));
  const std::uint8_t bit = support_bit(wanted);
  if (bit == 0 || wanted == AccessState::transitioning) return bad_state;
  if (wanted == AccessState::offline) {
    if (!has_port(id)) return bad_id;
    for (const UnitPort* const port : ports_)
      if (port->relative_port == id && (group_at(port->access_.group).supported & bit) == 0)
        return bad_state;
    return {};
  }
  const auto group = groups_.find(id);
  if (group == groups_.end() || (group->second.access_type & TargetPortGroup::explicitly) == 0)
    return bad_id;
  if ((group->second.supported & bit) == 0) return bad_state;
  return {};
}

Result TargetPortGroups::check(std::span<const std::byte> list, const ItlNexus& itl) const {
  const Lock lock(mutex_);
  const TargetPortGroup& own = group_at(itl.port ? itl.port->access_.group : std::uint16_t{0});
  if ((own.access_type & TargetPortGroup::explicitly) == 0) return sense::invalid_opcode();
  Result result;
  for_each_descriptor(list, [&](std::uint8_t state, std::uint16_t id, std::size_t at) {
    if (result.good()) result = check_descriptor(state, id, at);
  });
  return result;
}

std::uint32_t TargetPortGroups::begin(std::span<const std::byte> list, const ItlNexus& itl) {
  const Lock lock(mutex_);
  std::uint32_t longest = 0;
  for_each_descriptor(list, [&](std::uint8_t state, std::uint16_t id, std::size_t) {
    const auto group = groups_.find(id);
    const auto wanted = static_cast<AccessState>(state);
    if (wanted == AccessState::offline || group == groups_.end()) return;
    TargetPortGroup& changed = group->second;
    if (changed.state == wanted || changed.transition_delay_ms == 0) return;
    changed.state = AccessState::transitioning;
    changed.status = TargetPortGroup::altered_explicitly;
    longest = std::max(longest, changed.transition_delay_ms);
  });
  if (longest != 0) {
    publish();
    lu_.raise(UnitAttention::alua_state_changed, &itl);
  }
  return longest;
}

// What went away since the check is left out. It is recorded under the lock: in the order in which
// it was done.
bool TargetPortGroups::finish(std::span<const std::byte> list, const ItlNexus& itl,
                              std::function<void()> done) {
  const Lock lock(mutex_);
  std::vector<AccessChange> changes;
  const auto take_offline = [&](std::uint16_t id) {
    bool changed = false;
    for (UnitPort* const port : ports_)
      if (port->relative_port == id && !std::exchange(port->access_.offline, true)) changed = true;
    return changed;
  };
  const auto enter = [&](std::uint16_t id, AccessState state) {
    const auto group = groups_.find(id);
    if (group == groups_.end() || group->second.state == state) return false;
    group->second.state = state;
    group->second.status = TargetPortGroup::altered_explicitly;
    return true;
  };
  for_each_descriptor(list, [&](std::uint8_t state, std::uint16_t id, std::size_t) {
    const auto wanted = static_cast<AccessState>(state);
    const bool of_port = wanted == AccessState::offline;
    if (of_port ? take_offline(id) : enter(id, wanted)) changes.push_back({of_port, id, wanted});
  });
  if (changes.empty()) return false;
  publish();
  lu_.raise(UnitAttention::alua_state_changed, &itl);
  if (!recorder_) return false;
  recorder_(std::move(changes), std::move(done));
  return true;
}

// At a command

bool access_permits(std::uint32_t word, const Spec& spec, Result& result) {
  if ((word & offline_bit) != 0) {
    if (spec.available == Available::always) return true;
    result = sense::target_port_offline();
    return false;
  }
  switch (static_cast<AccessState>(word & state_mask)) {
    case AccessState::active_optimized:
    case AccessState::active_nonoptimized:
      return true;
    case AccessState::standby:
      if (spec.available >= Available::in_standby) return true;
      result = sense::target_port_in_standby();
      return false;
    case AccessState::unavailable:
      if (spec.available >= Available::when_unavailable) return true;
      result = sense::target_port_unavailable();
      return false;
    case AccessState::offline:
      if (spec.available >= Available::when_unavailable) return true;
      result = sense::target_port_offline();
      return false;
    case AccessState::transitioning:
      if (spec.available >= Available::in_transition) return true;
      result = sense::asymmetric_access_transition();
      return false;
  }
  return true;
}

std::uint32_t access_delay_ms(std::uint32_t word) { return word >> delay_shift; }

}  // namespace srpd::scsi
