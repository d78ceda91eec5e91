#include "scsi/io_counters.h"

#include <utility>

#include "scsi/lu.h"

namespace srpd::scsi {
namespace {

constexpr std::size_t sense_keys = 16;

constexpr std::array<std::string_view, io_classes> class_names{"read", "write", "flush", "unmap",
                                                               "other"};

/// SPC-5 table 48, then SAM-5 5.3.1.
constexpr std::array<std::string_view, error_kinds> kind_names{
    "no sense",        "recovered error", "not ready",    "medium error",         "hardware error",
    "illegal request", "unit attention",  "data protect", "blank check",          "vendor specific",
    "copy aborted",    "aborted command", "reserved",     "volume overflow",      "miscompare",
    "completed",       "condition met",   "busy",         "reservation conflict", "task set full",
    "ACA active",      "task aborted",    "aborted"};

constexpr std::size_t busy_kind = sense_keys + 1;
constexpr std::size_t task_set_full_kind = sense_keys + 3;

/// SPC-5 4.4: response codes 72h and 73h are the descriptor format.
std::size_t sense_key_of(std::span<const std::byte> sense) {
  const bool descriptors = sense.size() > 1 && (std::to_integer<unsigned>(sense[0]) & 0x7e) == 0x72;
  const std::size_t at = descriptors ? 1 : 2;
  return sense.size() > at ? std::to_integer<std::size_t>(sense[at] & std::byte{0xf}) : 0;
}

}  // namespace

std::string_view name(IoClass io_class) { return class_names[static_cast<std::size_t>(io_class)]; }

std::size_t error_kind(const Result& result, std::span<const std::byte> device_sense) {
  switch (result.status) {
    case Status::condition_met:
      return sense_keys;
    case Status::busy:
      return busy_kind;
    case Status::reservation_conflict:
      return sense_keys + 2;
    case Status::task_set_full:
      return task_set_full_kind;
    case Status::aca_active:
      return sense_keys + 4;
    case Status::task_aborted:
      return sense_keys + 5;
    default:
      return device_sense.empty() ? static_cast<std::size_t>(result.sense.key) % sense_keys
                                  : sense_key_of(device_sense);
  }
}

std::string_view error_kind_name(std::size_t kind) { return kind_names[kind]; }

IoCount& IoCount::operator+=(const IoCount& other) {
  commands += other.commands;
  errors += other.errors;
  read_bytes += other.read_bytes;
  written_bytes += other.written_bytes;
  busy += other.busy;
  task_set_full += other.task_set_full;
  return *this;
}

IoCells::Cell::~Cell() {
  for (const auto& each : latencies) delete each.load(std::memory_order_relaxed);
  delete errors.load(std::memory_order_relaxed);
}

LatencyHistogram& IoCells::Cell::make(std::atomic<LatencyHistogram*>& place) {
  auto* const made = new LatencyHistogram;
  place.store(made, std::memory_order_release);
  return *made;
}

void IoCells::Cell::count_error(std::size_t kind) {
  Errors* counts = errors.load(std::memory_order_relaxed);
  if (counts == nullptr) {
    counts = new Errors;
    errors.store(counts, std::memory_order_release);
  }
  (*counts)[kind].add();
}

IoCount IoCells::sum() const {
  IoCount all;
  for (std::size_t i = 0; i < loops_; ++i) {
    const Cell& cell = cells_[i];
    const auto bytes = [&](IoClass of) {
      return cell.classes[static_cast<std::size_t>(of)].bytes.get();
    };
    for (const Cell::Class& each : cell.classes) all.commands += each.commands.get();
    all.read_bytes += bytes(IoClass::read);
    all.written_bytes += bytes(IoClass::write) + bytes(IoClass::unmap);
    const Cell::Errors* const errors = cell.errors.load(std::memory_order_acquire);
    if (errors == nullptr) continue;
    for (const Counter& each : *errors) all.errors += each.get();
    all.busy += (*errors)[busy_kind].get();
    all.task_set_full += (*errors)[task_set_full_kind].get();
  }
  return all;
}

void IoCells::add_to(IoTotals& totals) const {
  for (std::size_t i = 0; i < loops_; ++i) {
    const Cell& cell = cells_[i];
    for (std::size_t of = 0; of < io_classes; ++of) {
      totals.classes[of].commands += cell.classes[of].commands.get();
      totals.classes[of].bytes += cell.classes[of].bytes.get();
      const auto* const latencies = cell.latencies[of].load(std::memory_order_acquire);
      if (latencies != nullptr) latencies->add_to(totals.classes[of].latencies);
    }
    const Cell::Errors* const errors = cell.errors.load(std::memory_order_acquire);
    if (errors == nullptr) continue;
    for (std::size_t kind = 0; kind < error_kinds; ++kind)
      totals.errors[kind] += (*errors)[kind].get();
  }
}

IoCounters::IoCounters(std::shared_ptr<Lu> lu, std::size_t loops)
    : lu_(std::move(lu)), memory_(std::make_shared<IoCells>(loops)) {
  lu_->attach(*this);
}

IoCounters::~IoCounters() { lu_->detach(*this); }

}  // namespace srpd::scsi
