#include "lio/port_group.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <thread>

#include "lio/device.h"
#include "lio/lun.h"
#include "lio/model.h"
#include "lio/text.h"
#include "lio/tpg.h"

namespace srpd::lio {
namespace {

// Bits of byte 1 of a group's descriptor in REPORT TARGET PORT GROUPS, SPC-4 6.37.
constexpr std::uint8_t supports_active_optimized = 0x01;
constexpr std::uint8_t supports_active_nonoptimized = 0x02;
constexpr std::uint8_t supports_standby = 0x04;
constexpr std::uint8_t supports_unavailable = 0x08;
constexpr std::uint8_t supports_lba_dependent = 0x10;
constexpr std::uint8_t supports_offline = 0x40;
constexpr std::uint8_t supports_transitioning = 0x80;
constexpr std::uint8_t supports_all_but_lba_dependent =
    supports_active_optimized | supports_active_nonoptimized | supports_standby |
    supports_unavailable | supports_offline | supports_transitioning;

constexpr std::uint8_t implicit_alua = 1;
constexpr std::uint8_t altered_explicitly = 1;
constexpr std::uint8_t altered_implicitly = 2;
constexpr std::uint8_t transitioning = 15;

constexpr std::uint32_t max_nonoptimized_delay_ms = 10000;
constexpr std::uint32_t max_transition_delay_ms = 30000;
constexpr std::uint32_t max_implicit_transition_s = 255;

struct AccessState {
  std::uint8_t value;
  std::uint8_t supported;
  std::string_view name;
};
/// SPC-4 table 46, without those that no unit here has.
constexpr std::array<AccessState, 6> access_states{{
    {0, supports_active_optimized, "Active/Optimized"},
    {1, supports_active_nonoptimized, "Active/NonOptimized"},
    {2, supports_standby, "Standby"},
    {3, supports_unavailable, "Unavailable"},
    {14, supports_offline, "Offline"},
    {15, supports_transitioning, "Transitioning"},
}};

const AccessState* find_state(std::uint64_t value) {
  for (const AccessState& state : access_states)
    if (state.value == value) return &state;
  return nullptr;
}

tl::unexpected<tree::Failure> no_id() {
  return fail(EINVAL, "the group has no id", "write one to its tg_pt_gp_id");
}

Result<bool> parse_zero_or_one(std::string_view text) {
  const auto value = parse_within(text, 0, 1);
  if (!value) return tl::unexpected(value.error());
  return *value != 0;
}

}  // namespace

const Attribute PortGroup::rows[] = {
    row<&PortGroup::show_state, &PortGroup::store_state>("alua_access_state"),
    row<&PortGroup::show_status, &PortGroup::store_status>("alua_access_status"),
    row<&PortGroup::show_type, &PortGroup::store_type>("alua_access_type"),
    row<&PortGroup::show_support<supports_active_nonoptimized>,
        &PortGroup::store_support<supports_active_nonoptimized>>(
        "alua_support_active_nonoptimized"),
    row<&PortGroup::show_support<supports_active_optimized>,
        &PortGroup::store_support<supports_active_optimized>>("alua_support_active_optimized"),
    row<&PortGroup::show_support<supports_lba_dependent>,
        &PortGroup::store_support<supports_lba_dependent>>("alua_support_lba_dependent"),
    row<&PortGroup::show_support<supports_offline>, &PortGroup::store_support<supports_offline>>(
        "alua_support_offline"),
    row<&PortGroup::show_support<supports_standby>, &PortGroup::store_support<supports_standby>>(
        "alua_support_standby"),
    row<&PortGroup::show_support<supports_transitioning>,
        &PortGroup::store_support<supports_transitioning>>("alua_support_transitioning"),
    row<&PortGroup::show_support<supports_unavailable>,
        &PortGroup::store_support<supports_unavailable>>("alua_support_unavailable"),
    row<&PortGroup::show_write_metadata, &PortGroup::store_write_metadata>("alua_write_metadata"),
    row<&PortGroup::show_time<&PortGroupState::implicit_transition_s>,
        &PortGroup::store_time<&PortGroupState::implicit_transition_s, max_implicit_transition_s>>(
        "implicit_trans_secs"),
    read_only<&PortGroup::show_members>("members"),
    row<&PortGroup::show_time<&PortGroupState::nonoptimized_delay_ms>,
        &PortGroup::store_time<&PortGroupState::nonoptimized_delay_ms, max_nonoptimized_delay_ms>>(
        "nonop_delay_msecs"),
    row<&PortGroup::show_preferred, &PortGroup::store_preferred>("preferred"),
    row<&PortGroup::show_id, &PortGroup::store_id>("tg_pt_gp_id"),
    row<&PortGroup::show_time<&PortGroupState::transition_delay_ms>,
        &PortGroup::store_time<&PortGroupState::transition_delay_ms, max_transition_delay_ms>>(
        "trans_delay_msecs"),
};

std::span<const Attribute> PortGroup::attributes() const { return rows; }

PortGroup::PortGroup(PortGroups& groups, std::optional<std::uint16_t> id)
    : groups_(groups), has_id_(id.has_value()) {
  state_.id = id.value_or(0);
  state_.supported = supports_all_but_lba_dependent;
}

std::string PortGroup::show_id() const { return has_id_ ? line(state_.id) : std::string(); }

Result<void> PortGroup::store_id(Change& change, std::string_view text) {
  static_cast<void>(change);
  const auto wanted = parse_within(text, 0, UINT16_MAX);
  if (!wanted) return tl::unexpected(wanted.error());
  if (has_id_) return fail(EINVAL, "the group has an id already", "make a new group");
  const auto taken = groups_.take_id(static_cast<std::uint16_t>(*wanted), *this);
  if (!taken) return tl::unexpected(taken.error());
  state_.id = *taken;
  has_id_ = true;
  publish();
  return {};
}

std::string_view PortGroup::state_text() const {
  const AccessState* state = find_state(state_.access_state);
  return state ? state->name : "Unknown";
}

std::string_view PortGroup::status_text() const {
  constexpr std::array<std::string_view, 3> words{"None", "Altered by Explicit STPG",
                                                  "Altered by Implicit ALUA"};
  return words[state_.access_status];
}

std::string PortGroup::show_state() const { return line(state_.access_state); }

Result<void> PortGroup::check_transition(std::uint64_t value) const {
  if (!groups_.device().enabled())
    return fail(ENODEV, "the device is not enabled", "write 1 to its enable");
  if (!(state_.access_type & implicit_alua))
    return fail(EINVAL, "states of the group are changed by hosts only",
                "write 1 or 3 to alua_access_type");
  const AccessState* state = find_state(value);
  if (!state) return fail(EINVAL, "it is none of 0, 1, 2, 3, 14 and 15");
  if (!(state_.supported & state->supported))
    return fail(EINVAL, fmt::format("the group does not support {}", state->name),
                "write 1 to the alua_support_ attribute of that state");
  return {};
}

Result<void> PortGroup::store_state(Change& change, std::string_view text) {
  if (!has_id_) return no_id();
  const auto value = parse_unsigned(text);
  if (!value) return tl::unexpected(value.error());
  if (auto possible = check_transition(*value); !possible) return possible;
  if (*value == state_.access_state) return {};
  // Like LIO's, the write takes as long as the transition; without ports there is none to see.
  if (state_.transition_delay_ms != 0 && !members_.empty() && *value != transitioning) {
    for (PortGroup* const each : together()) each->enter(change, transitioning, altered_implicitly);
    const std::chrono::milliseconds delay(state_.transition_delay_ms);
    change.unlocked([&] { std::this_thread::sleep_for(delay); });
  }
  change_state(change, static_cast<std::uint8_t>(*value), altered_implicitly);
  return {};
}

std::vector<PortGroup*> PortGroup::together() {
  std::vector<PortGroup*> groups{this};
  const Device& device = groups_.device();
  const LuGroup* const units = device.lu_group();
  if (!units || units == &device.model().lu_groups().default_group()) return groups;
  for (const Device* const each : units->members()) {
    PortGroup* const peer = each->port_groups().find_id(state_.id);
    if (peer && peer != this) groups.push_back(peer);
  }
  return groups;
}

void PortGroup::enter(Change& change, std::uint8_t state, std::uint8_t status) {
  state_.access_state = state;
  state_.access_status = status;
  publish();
  change.changed(*this, "alua_access_state");
  change.changed(*this, "alua_access_status");
}

// The files last: others may change the tree meanwhile.
void PortGroup::change_state(Change& change, std::uint8_t state, std::uint8_t status) {
  std::vector<MetadataFile> files;
  for (PortGroup* const each : together()) {
    each->enter(change, state, status);
    if (auto file = each->metadata()) files.push_back(std::move(*file));
  }
  const Model& model = groups_.device().model();
  for (const MetadataFile& file : files) write_metadata(change, model, file);
}

bool PortGroup::restore(Change& change, std::uint8_t state, std::uint8_t status) {
  const AccessState* const known = find_state(state);
  if (!known || state == transitioning || !(state_.supported & known->supported) ||
      status > altered_implicitly)
    return false;
  enter(change, state, status);
  return true;
}

std::string PortGroup::show_status() const { return std::string(status_text()) + '\n'; }

Result<void> PortGroup::store_status(Change& change, std::string_view text) {
  static_cast<void>(change);
  if (!has_id_) return no_id();
  const auto value = parse_within(text, 0, 2);
  if (!value) return tl::unexpected(value.error());
  state_.access_status = static_cast<std::uint8_t>(*value);
  publish();
  return {};
}

std::string PortGroup::show_type() const {
  constexpr std::array<std::string_view, 4> words{"None", "Implicit", "Explicit",
                                                  "Implicit and Explicit"};
  return std::string(words[state_.access_type]) + '\n';
}

Result<void> PortGroup::store_type(Change& change, std::string_view text) {
  static_cast<void>(change);
  const auto value = parse_within(text, 0, 3);
  if (!value) return tl::unexpected(value.error());
  state_.access_type = static_cast<std::uint8_t>(*value);
  publish();
  return {};
}

template <std::uint8_t bit>
std::string PortGroup::show_support() const {
  return line(state_.supported & bit ? 1 : 0);
}

template <std::uint8_t bit>
Result<void> PortGroup::store_support(Change& change, std::string_view text) {
  static_cast<void>(change);
  if (!has_id_) return no_id();
  const auto value = parse_zero_or_one(text);
  if (!value) return fail(EINVAL, value.error().cause);
  state_.supported = static_cast<std::uint8_t>(*value ? state_.supported | bit
                                                      : state_.supported & ~unsigned{bit});
  publish();
  return {};
}

template <std::uint32_t PortGroupState::* member>
std::string PortGroup::show_time() const {
  return line(state_.*member);
}

template <std::uint32_t PortGroupState::* member, std::uint32_t most>
Result<void> PortGroup::store_time(Change& change, std::string_view text) {
  static_cast<void>(change);
  const auto value = parse_within(text, 0, most);
  if (!value) return tl::unexpected(value.error());
  state_.*member = static_cast<std::uint32_t>(*value);
  publish();
  return {};
}

void PortGroup::support_lba_dependent() {
  state_.supported |= supports_lba_dependent;
  publish();
}

std::string PortGroup::show_preferred() const { return line(state_.preferred ? 1 : 0); }

Result<void> PortGroup::store_preferred(Change& change, std::string_view text) {
  static_cast<void>(change);
  const auto value = parse_zero_or_one(text);
  if (!value) return tl::unexpected(value.error());
  state_.preferred = *value;
  publish();
  return {};
}

std::string PortGroup::show_write_metadata() const { return line(write_metadata_ ? 1 : 0); }

Result<void> PortGroup::store_write_metadata(Change& change, std::string_view text) {
  const auto value = parse_zero_or_one(text);
  if (!value) return tl::unexpected(value.error());
  set_write_metadata(change, *value);
  return {};
}

// A group that is not saved any more leaves no file that a later one could begin with.
void PortGroup::set_write_metadata(Change& change, bool write) {
  const auto file = metadata();
  write_metadata_ = write;
  if (file && !write) forget_metadata(change, groups_.device().model(), file->path);
}

std::string PortGroup::show_members() const {
  std::string out;
  for (const Lun* lun : members_) out += lun->member_text() + '\n';
  return out;
}

void PortGroup::publish() {
  const Device& device = groups_.device();
  if (has_id_ && device.enabled()) device.engine().set_port_group(device.device_id(), state_);
}

std::optional<MetadataFile> PortGroup::metadata() const {
  const std::string& serial = groups_.device().identity().serial;
  if (!write_metadata_ || serial.empty()) return std::nullopt;
  return MetadataFile{
      fmt::format("tpgs_{}/{}", serial, name()),
      fmt::format("tg_pt_gp_id={}\nalua_access_state={}\nalua_access_status={}\n", state_.id,
                  hex(state_.access_state, 2), hex(state_.access_status, 2))};
}

void PortGroup::drop(Change& change) {
  set_write_metadata(change, false);
  while (!members_.empty()) members_.front()->join(groups_.default_group());
  if (!has_id_) return;
  groups_.give_id(state_.id);
  const Device& device = groups_.device();
  if (device.enabled()) device.engine().remove_port_group(device.device_id(), state_.id);
}

PortGroups::PortGroups(Device& device) : device_(device) {
  default_group_ = &make_group<PortGroup>("default_tg_pt_gp", *this, std::uint16_t{0});
  ids_.emplace(std::uint16_t{0}, default_group_);
}

Result<std::unique_ptr<Directory>> PortGroups::make(Change& change, std::string_view name) {
  static_cast<void>(change);
  static_cast<void>(name);
  return std::make_unique<PortGroup>(*this, std::nullopt);
}

void PortGroups::publish_all() const {
  for (const auto& [id, group] : ids_)
    device_.engine().set_port_group(device_.device_id(), group->state());
}

PortGroup* PortGroups::find_id(std::uint16_t id) const {
  const auto found = ids_.find(id);
  return found == ids_.end() ? nullptr : found->second;
}

// Saving a state lets others change the tree: what is looked for is looked for anew each time.
void PortGroups::take_over(Change& change, const std::vector<AccessChange>& changes) {
  for (const AccessChange& each : changes) {
    if (!each.of_port) {
      if (PortGroup* const group = find_id(each.id))
        group->change_state(change, each.state, altered_explicitly);
      continue;
    }
    std::vector<Lun*> luns;
    for (const auto& [id, group] : ids_)
      for (Lun* const lun : group->members())
        if (lun->tpg().rtpi() == each.id) luns.push_back(lun);
    for (Lun* const lun : luns) lun->set_secondary(change, true, altered_explicitly);
  }
}

void PortGroups::support_lba_dependent() const {
  for (const auto& [id, group] : ids_) group->support_lba_dependent();
}

Result<std::uint16_t> PortGroups::take_id(std::uint16_t wanted, PortGroup& group) {
  if (wanted != 0) {
    if (!ids_.emplace(wanted, &group).second)
      return fail(EINVAL, "another group of the device has this id", "write 0 for a free one");
    return wanted;
  }
  for (std::uint32_t tries = 0; tries <= UINT16_MAX; ++tries) {
    const std::uint16_t id = next_id_++;
    if (ids_.emplace(id, &group).second) return id;
  }
  return fail(EINVAL, "there is no free id");
}

}  // namespace srpd::lio
