#include "scsi/nexus.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "scsi/lu.h"

namespace srpd::scsi {
namespace {

constexpr std::uint32_t max_lun = 16383;  // flat space addressing has 14 bits

// The unit number an eight-byte LUN names in any single-level addressing method (SAM-5 4.7.7), or
// nothing.
std::optional<std::uint32_t> decode_lun(std::uint64_t lun) {
  const auto first = static_cast<std::uint32_t>(lun >> 56);
  const auto first_two = static_cast<std::uint32_t>(lun >> 48);
  const bool single_level = (lun & 0xffffffffffffu) == 0;
  switch (first >> 6) {
    case 0:  // peripheral device addressing, bus 0
      if (first != 0 || !single_level) return {};
      return first_two & 0xff;
    case 1:  // flat space addressing
      if (!single_level) return {};
      return first_two & 0x3fff;
    case 2:  // logical unit addressing, target 0 on bus 0
      if (!single_level || (first_two & 0x3fe0) != 0) return {};
      return first_two & 0x1f;
    default:  // extended logical unit addressing: only extended flat space, 24 bits
      if (first != 0xd2 || (lun & 0xffffffffu) != 0) return {};
      return static_cast<std::uint32_t>(lun >> 32) & 0xffffff;
  }
}

}  // namespace

std::uint64_t encode_lun(std::uint32_t number) {
  const std::uint64_t method = number < 256 ? 0 : 0x4000;
  return (method | number) << 48;
}

Expected<std::unique_ptr<LunMap>> LunMap::make(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.number < b.number; });
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string object = "LUN " + std::to_string(entries[i].number);
    if (entries[i].number > max_lun)
      return failure(object, "the number is too large", "use 0 to " + std::to_string(max_lun));
    if (i > 0 && entries[i - 1].number == entries[i].number)
      return failure(object, "it is there twice", "give each LUN of a host its own number");
  }
  auto map = std::make_unique<LunMap>();
  map->units_ = std::make_unique<ItlNexus[]>(entries.size());
  map->count_ = entries.size();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    map->units_[i].lu = entries[i].lu;
    map->units_[i].lun = encode_lun(entries[i].number);
    map->units_[i].write_protected = entries[i].write_protected;
  }
  return map;
}

ItlNexus* LunMap::find(std::uint64_t lun) {
  const auto number = decode_lun(lun);
  if (!number || *number > max_lun) return nullptr;
  const std::uint64_t encoded = encode_lun(*number);
  // Numbers without gaps stand at their own index.
  if (*number < count_ && units_[*number].lun == encoded) return &units_[*number];
  ItlNexus* const end = units_.get() + count_;
  ItlNexus* const found = std::lower_bound(
      units_.get(), end, encoded,
      [](const ItlNexus& unit, std::uint64_t wanted) { return unit.lun < wanted; });
  return found != end && found->lun == encoded ? found : nullptr;
}

ItNexus::ItNexus(std::string initiator_name, PortId initiator, const TargetPort& target,
                 std::unique_ptr<LunMap> map)
    : initiator_name_(std::move(initiator_name)),
      initiator_(initiator),
      target_(target),
      map_(std::move(map)) {
  for (std::size_t i = 0; i < map_->size(); ++i) {
    ItlNexus& unit = map_->at(i);
    unit.raise(UnitAttention::power_on);
    unit.lu->attach(unit);
  }
}

ItNexus::~ItNexus() {
  for (std::size_t i = 0; i < map_->size(); ++i) map_->at(i).lu->detach(map_->at(i));
}

bool is_write_protected(const ItlNexus& itl) {
  return itl.write_protected || itl.lu->attributes().write_protect ||
         itl.lu->store().properties().read_only;
}

std::optional<UnitAttention> take_unit_attention(ItlNexus& itl) {
  std::uint32_t pending = itl.unit_attentions.load(std::memory_order_acquire);
  while (pending != 0) {
    const std::uint32_t lowest = pending & (~pending + 1);
    const std::uint32_t before = itl.unit_attentions.fetch_and(~lowest, std::memory_order_acq_rel);
    if ((before & lowest) != 0) return static_cast<UnitAttention>(std::countr_zero(lowest));
    pending = before & ~lowest;  // another channel was faster
  }
  return {};
}

}  // namespace srpd::scsi
