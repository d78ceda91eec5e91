#include "model.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "base/random.h"

namespace srpd::simulation {

void stamp(Value value, std::uint64_t lba, std::span<std::byte> data) {
  for (; !data.empty(); data = data.subspan(block_size), ++lba) {
    const auto block = data.first(block_size);
    if (value == 0) {
      std::fill(block.begin(), block.end(), std::byte{0});
      continue;
    }
    Random random(value * 0x10001 + lba);
    std::memcpy(block.data(), &value, sizeof value);
    for (std::size_t i = sizeof value; i < block_size; i += 8) {
      const std::uint64_t word = random.next();
      std::memcpy(block.data() + i, &word, sizeof word);
    }
  }
}

std::optional<Value> read_stamp(std::uint64_t lba, std::span<const std::byte> block) {
  Value value = 0;
  std::memcpy(&value, block.data(), sizeof value);
  std::byte expected[block_size];
  stamp(value, lba, expected);
  if (std::memcmp(expected, block.data(), block_size) != 0) return std::nullopt;
  return value;
}

Value DiskModel::write_begins(std::uint64_t lba, std::uint64_t count, bool zeros) {
  const Value value = next_value_++;
  ++clock_;
  for (std::uint64_t i = lba; i < lba + count; ++i)
    blocks_[i].push_back({.value = value, .zeros = zeros, .issued = clock_, .ended = never});
  return value;
}

void DiskModel::write_ends(Value value, std::uint64_t lba, std::uint64_t count, Outcome outcome,
                           bool repeated, bool ordered) {
  ++clock_;
  for (std::uint64_t i = lba; i < lba + count; ++i) {
    auto& block = blocks_[i];
    const auto self = std::find_if(block.begin(), block.end(),
                                   [&](const Entry& entry) { return entry.value == value; });
    if (outcome == Outcome::not_done) {
      block.erase(self);
      continue;
    }
    self->ended = clock_;
    self->repeated = repeated;
    self->at_large = outcome == Outcome::at_large || repeated;
    if (outcome != Outcome::done) continue;
    const std::uint64_t issued = self->issued;
    for (Entry& entry : block) {
      if (entry.value == value || entry.at_large || entry.overwritten != never) continue;
      const bool before = entry.ended < issued;
      const bool ordered_before =
          ordered && !repeated && !entry.repeated && entry.issued < issued && entry.ended != never;
      if (before || ordered_before) entry.overwritten = clock_;
    }
  }
}

std::string DiskModel::check_read(std::uint64_t began, std::uint64_t lba,
                                  std::span<const std::byte> data) const {
  for (; !data.empty(); data = data.subspan(block_size), ++lba) {
    const auto found = read_stamp(lba, data.first(block_size));
    if (!found) return fmt::format("block {} holds what nobody wrote", lba);
    const bool possible =
        std::any_of(blocks_[lba].begin(), blocks_[lba].end(), [&](const Entry& entry) {
          return (entry.zeros ? 0 : entry.value) == *found && entry.overwritten > began;
        });
    if (!possible)
      return fmt::format("block {} holds value {}, which is not possible", lba, *found);
  }
  return {};
}

}  // namespace srpd::simulation
