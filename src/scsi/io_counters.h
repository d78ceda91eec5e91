// What one initiator did at one unit. Every loop counts in a cache line of its own, with plain
// loads and stores, since nobody else writes there; whoever wants to know adds the cells up.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace srpd::scsi {

class Lu;

struct IoCount {
  std::uint64_t commands = 0;
  std::uint64_t errors = 0;  ///< commands that ended with another status than GOOD
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;

  IoCount& operator+=(const IoCount& other);
};

/// Counters of a unit, kept as long as whoever made them wants to ask. The unit adds up all of its
/// own, also those that are gone.
class IoCounters {
 public:
  struct alignas(64) Cell {
    std::atomic<std::uint64_t> commands{0}, errors{0}, read_bytes{0}, written_bytes{0};

    /// On the cell's loop only.
    static void add(std::atomic<std::uint64_t>& counter, std::uint64_t by) {
      counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
  };

  /// `loops`: how many count here; Command::loop_index stays below.
  IoCounters(std::shared_ptr<Lu> lu, std::size_t loops);
  ~IoCounters();
  IoCounters(const IoCounters&) = delete;
  IoCounters& operator=(const IoCounters&) = delete;

  const std::shared_ptr<Lu>& lu() const { return lu_; }
  /// The cell of loop 0; the others follow.
  Cell* cells() { return cells_.get(); }
  /// Any thread.
  IoCount sum() const;

 private:
  friend class Lu;

  const std::shared_ptr<Lu> lu_;
  const std::size_t loops_;
  const std::unique_ptr<Cell[]> cells_;
  std::size_t place_ = 0;  ///< in the unit's list
};

}  // namespace srpd::scsi
