#include "target/io_list.h"

#include <algorithm>
#include <utility>

namespace srpd::target {
namespace {

// Of one turn: some ten microseconds.
constexpr std::size_t rows_at_once = 128;

}  // namespace

void IoList::start(runtime::Loop& home, const Ports& ports, Report report) {
  auto* const list = new IoList(home, ports, std::move(report));  // ends by itself
  home.post(list->step_);
}

IoList::IoList(runtime::Loop& home, const Ports& ports, Report report)
    : home_(home), ports_(ports), report_(std::move(report)) {
  for (const PortInfo& port : ports.list()) handles_.push_back(port.handle);
  std::reverse(handles_.begin(), handles_.end());
}

void IoList::step() {
  if (handles_.empty()) {
    const auto report = std::move(report_);
    std::vector<IoRow> rows = std::move(rows_);
    delete this;
    return report(std::move(rows));
  }
  const auto port = ports_.find(handles_.back());
  const auto next = port ? (*port)->list_io(next_lun_, rows_at_once, rows_) : std::nullopt;
  if (!next) handles_.pop_back();
  next_lun_ = next.value_or(0);
  home_.post(step_);
}

}  // namespace srpd::target
