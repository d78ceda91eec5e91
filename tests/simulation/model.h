// What a disk may contain. Concurrent writes land in any order, and writes that were aborted or
// whose connection was lost may land at any later time; so every block has a set of values that a
// read may return.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace srpd::simulation {

inline constexpr std::uint32_t block_size = 512;

/// Identifies a write; 0: zeros.
using Value = std::uint64_t;

/// Fills whole blocks from `lba` on so that a wrong, torn or misplaced block shows.
void stamp(Value value, std::uint64_t lba, std::span<std::byte> data);
/// The value of one block at `lba`; nothing when it is not what any write made.
std::optional<Value> read_stamp(std::uint64_t lba, std::span<const std::byte> block);

class DiskModel {
 public:
  /// How a write ended.
  enum class Outcome {
    done,       ///< GOOD
    not_done,   ///< refused before it was executed
    undecided,  ///< over, but perhaps done in part
    at_large,   ///< may be done at any later time
  };

  explicit DiskModel(std::uint64_t blocks) : blocks_(blocks) {
    for (auto& block : blocks_) block.push_back({});
  }

  std::uint64_t size() const { return blocks_.size(); }

  /// Time of the model: grows with every event.
  std::uint64_t now() const { return clock_; }

  Value write_begins(std::uint64_t lba, std::uint64_t count, bool zeros);
  /// `repeated`: was sent more than once, so an earlier sending may still be at large. `ordered`:
  /// everything sent before it on the same channel had ended when it was executed.
  void write_ends(Value value, std::uint64_t lba, std::uint64_t count, Outcome outcome,
                  bool repeated, bool ordered);

  /// What is wrong with a read that began at `began` and returned `data`; empty: nothing.
  std::string check_read(std::uint64_t began, std::uint64_t lba,
                         std::span<const std::byte> data) const;

 private:
  static constexpr std::uint64_t never = UINT64_MAX;
  struct Entry {
    Value value = 0;  ///< of the write; unique
    bool zeros = true;
    std::uint64_t issued = 0;
    std::uint64_t ended = 0;
    bool at_large = false;
    bool repeated = false;
    std::uint64_t overwritten = never;
  };

  std::vector<std::vector<Entry>> blocks_;
  std::uint64_t clock_ = 0;
  Value next_value_ = 1;
};

}  // namespace srpd::simulation
