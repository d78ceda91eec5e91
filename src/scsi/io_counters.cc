#include "scsi/io_counters.h"

#include <utility>

#include "scsi/lu.h"

namespace srpd::scsi {

IoCount& IoCount::operator+=(const IoCount& other) {
  commands += other.commands;
  errors += other.errors;
  read_bytes += other.read_bytes;
  written_bytes += other.written_bytes;
  return *this;
}

IoCounters::IoCounters(std::shared_ptr<Lu> lu, std::size_t loops)
    : lu_(std::move(lu)), loops_(loops), cells_(std::make_unique<Cell[]>(loops)) {
  lu_->attach(*this);
}

IoCounters::~IoCounters() { lu_->detach(*this); }

IoCount IoCounters::sum() const {
  IoCount all;
  for (std::size_t i = 0; i < loops_; ++i) {
    const Cell& cell = cells_[i];
    all += {.commands = cell.commands.load(std::memory_order_relaxed),
            .errors = cell.errors.load(std::memory_order_relaxed),
            .read_bytes = cell.read_bytes.load(std::memory_order_relaxed),
            .written_bytes = cell.written_bytes.load(std::memory_order_relaxed)};
  }
  return all;
}

}  // namespace srpd::scsi
