#include "transport/iwarp/stag_table.h"

#include "base/check.h"

namespace srpd::transport::iwarp {
namespace {

bool allows(Access granted, Access wanted) {
  return (static_cast<unsigned>(granted) & static_cast<unsigned>(wanted)) ==
         static_cast<unsigned>(wanted);
}

}  // namespace

std::uint32_t StagTable::take_index() {
  if (first_free_ == none) {
    CHECK(entries_.size() < (1u << 24) - 1);
    // Index 0 stays unused, so that a tag is never 0.
    if (entries_.empty()) entries_.emplace_back();
    entries_.emplace_back();
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }
  const std::uint32_t index = first_free_;
  first_free_ = entries_[index].next_free;
  if (first_free_ == none) last_free_ = none;
  return index;
}

RemoteSegment StagTable::expose(std::span<std::byte> memory, Access access) {
  CHECK(memory.size() <= UINT32_MAX);
  const std::uint32_t index = take_index();
  Entry& entry = entries_[index];
  entry.memory = memory;
  entry.access = access;
  entry.state = State::exposed;
  ++entry.key;
  ++exposed_;
  return RemoteSegment{0, index << 8 | entry.key, static_cast<std::uint32_t>(memory.size())};
}

const StagTable::Entry* StagTable::entry_of(std::uint32_t stag) const {
  const std::uint32_t index = stag >> 8;
  if (index >= entries_.size()) return nullptr;
  const Entry& entry = entries_[index];
  if (entry.state == State::free || entry.key != (stag & 0xff)) return nullptr;
  return &entry;
}

bool StagTable::withdraw(std::uint32_t stag) {
  if (entry_of(stag) == nullptr) return false;
  const std::uint32_t index = stag >> 8;
  Entry& entry = entries_[index];
  entry.state = State::free;
  entry.memory = {};
  entry.next_free = none;
  if (last_free_ == none)
    first_free_ = index;
  else
    entries_[last_free_].next_free = index;
  last_free_ = index;
  --exposed_;
  return true;
}

bool StagTable::invalidate(std::uint32_t stag) {
  const Entry* const entry = entry_of(stag);
  if (entry == nullptr || entry->state != State::exposed) return false;
  entries_[stag >> 8].state = State::invalidated;
  return true;
}

StagTable::Lookup StagTable::find(std::uint32_t stag, std::uint64_t offset, std::uint64_t length,
                                  Access access) const {
  const Entry* const entry = entry_of(stag);
  if (entry == nullptr || entry->state != State::exposed) return {Refusal::invalid_stag, {}};
  if (!allows(entry->access, access)) return {Refusal::access, {}};
  if (offset + length < offset) return {Refusal::wrap, {}};
  if (offset + length > entry->memory.size()) return {Refusal::bounds, {}};
  return {Refusal::none, entry->memory.subspan(offset, length)};
}

}  // namespace srpd::transport::iwarp
