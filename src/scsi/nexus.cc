#include "scsi/nexus.h"

#include <bit>
#include <utility>

#include "scsi/lu.h"

namespace srpd::scsi {

ItlNexus::ItlNexus(std::uint32_t at, std::shared_ptr<IoCounters> count, bool protect,
                   std::shared_ptr<const UnitPort> by, std::shared_ptr<const NexusName> known_as)
    : lu(count->lu().get()),
      cells(count->cells()),
      unit_attentions(1u << static_cast<unsigned>(UnitAttention::power_on)),
      write_protected(protect),
      number(at),
      lun(encode_lun(at)),
      counters(std::move(count)),
      port(std::move(by)),
      name(known_as ? std::move(known_as) : std::make_shared<const NexusName>()) {
  lu->attach(*this);
}

ItlNexus::~ItlNexus() { lu->detach(*this); }

ItNexus::ItNexus(std::string initiator_name, PortId initiator, TargetPort target,
                 std::string reserved_as)
    : initiator_name_(std::move(initiator_name)),
      name_(std::make_shared<const NexusName>(
          NexusName{reserved_as.empty() ? initiator_name_ : std::move(reserved_as), target.name,
                    target.portal_group_tag, initiator})),
      initiator_(initiator),
      target_(std::move(target)) {}

bool is_write_protected(const ItlNexus& itl) {
  return itl.write_protected.load(std::memory_order_relaxed) ||
         itl.lu->attributes().write_protect || itl.lu->store().properties().read_only;
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
