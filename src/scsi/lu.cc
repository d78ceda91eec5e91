#include "scsi/lu.h"

#include <bit>
#include <utility>

#include "base/check.h"

namespace srpd::scsi {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Lists whose members know their place, so that thousands can leave.
template <class Member>
void put(std::vector<Member*>& list, Member& member, std::size_t& place) {
  place = list.size();
  list.push_back(&member);
}

template <class Member>
void take(std::vector<Member*>& list, const Member& member, std::size_t place) {
  CHECK(list[place] == &member);
  list[place] = list.back();
  list.pop_back();
}

}  // namespace

Lu::Lu(LuIdentity identity, const LuAttributes& attributes, std::shared_ptr<store::Backstore> store,
       std::uint32_t block_size)
    : identity_(std::move(identity)),
      attributes_(attributes),
      store_(std::move(store)),
      block_size_(block_size != 0 ? block_size : store_->properties().block_size),
      block_shift_(static_cast<unsigned>(std::countr_zero(block_size_))),
      block_count_(store_->size() >> block_shift_) {
  CHECK(std::has_single_bit(block_size_) && block_size_ >= 512);
  port_groups_.enable(attributes_.alua_support);
  reservations_.enable(attributes_.emulate_pr, attributes_.force_pr_aptpl);
  if (identity_.product.empty()) identity_.product = store_->properties().product;
  store_->set_observer(this);
}

Expected<void> Lu::change_identity(LuIdentity identity) {
  if (exported())
    return failure("unit " + identity_.name, "hosts know it by the present identity",
                   "remove its LUNs from every port first");
  identity_ = std::move(identity);
  if (identity_.product.empty()) identity_.product = store_->properties().product;
  return {};
}

Lu::~Lu() {
  store_->set_observer(nullptr);
  CHECK(nexuses_.empty() && counters_.empty() && exports_ == 0);
}

std::array<std::byte, 16> Lu::naa() const {
  std::array<std::byte, 16> id{};
  std::size_t nibble = 0;
  const auto put = [&](unsigned value) {
    id[nibble / 2] |= static_cast<std::byte>(nibble % 2 == 0 ? value << 4 : value);
    ++nibble;
  };
  put(6);
  for (int shift = 20; shift >= 0; shift -= 4) put(identity_.company_id >> shift & 0xf);
  for (const char c : identity_.unit_serial) {
    const int value = hex_value(c);
    if (value >= 0 && nibble < 2 * id.size()) put(static_cast<unsigned>(value));
  }
  return id;
}

void Lu::attach(ItlNexus& itl) {
  {
    const std::lock_guard lock(mutex_);
    put(nexuses_, itl, itl.place_);
    itl.access.store(TargetPortGroups::word_of(itl.port.get()), std::memory_order_relaxed);
  }
  reservations_.attach(itl);
}

void Lu::detach(ItlNexus& itl) {
  reservations_.detach(itl);
  const std::lock_guard lock(mutex_);
  nexuses_.back()->place_ = itl.place_;
  take(nexuses_, itl, itl.place_);
}

void Lu::attach(IoCounters& counters) {
  const std::lock_guard lock(mutex_);
  put(counters_, counters, counters.place_);
}

void Lu::detach(IoCounters& counters) {
  const std::lock_guard lock(mutex_);
  past_ += counters.sum();
  counters_.back()->place_ = counters.place_;
  take(counters_, counters, counters.place_);
}

void Lu::add_export() {
  const std::lock_guard lock(mutex_);
  ++exports_;
}

void Lu::remove_export() {
  const std::lock_guard lock(mutex_);
  CHECK(exports_ > 0);
  --exports_;
}

bool Lu::exported() const {
  const std::lock_guard lock(mutex_);
  return exports_ != 0 || !nexuses_.empty();
}

IoCount Lu::io_count() const {
  const std::lock_guard lock(mutex_);
  IoCount all = past_;
  for (const IoCounters* const counters : counters_) all += counters->sum();
  return all;
}

void Lu::raise(UnitAttention condition, const ItlNexus* except) {
  const std::lock_guard lock(mutex_);
  for (ItlNexus* const itl : nexuses_)
    if (itl != except) itl->raise(condition);
}

void Lu::on_size_changed(std::uint64_t bytes) {
  block_count_.store(bytes >> block_shift_, std::memory_order_relaxed);
  raise(UnitAttention::capacity_changed);
}

}  // namespace srpd::scsi
