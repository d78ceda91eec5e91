// What one initiator did at one unit. Every loop counts in a cell of its own, with plain loads and
// stores, since nobody else writes there; whoever wants to know adds the cells up.
//
// Histograms and counts of errors are made when there is first something to count in them: most
// initiators read and write few of the units that they see.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/counter.h"
#include "base/latency.h"
#include "scsi/result.h"

namespace srpd::scsi {

class Lu;

/// What commands are told apart by. `unmap` are those that name ranges and bring no data of their
/// own for them: UNMAP, WRITE SAME.
enum class IoClass : std::uint8_t { read, write, flush, unmap, other };
inline constexpr std::size_t io_classes = 5;
std::string_view name(IoClass io_class);

/// How commands fail: CHECK CONDITION by its sense key, then the other statuses, then those that
/// were aborted.
inline constexpr std::size_t error_kinds = 16 + 7;
std::size_t error_kind(const Result& result, std::span<const std::byte> device_sense);
inline constexpr std::size_t aborted_error_kind = error_kinds - 1;
/// As a label: "illegal request", "busy".
std::string_view error_kind_name(std::size_t kind);

struct IoCount {
  std::uint64_t commands = 0;
  std::uint64_t errors = 0;  ///< commands that ended with another status than GOOD
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t busy = 0;           ///< ended with BUSY
  std::uint64_t task_set_full = 0;  ///< ended with TASK SET FULL

  IoCount& operator+=(const IoCount& other);
};

/// All that is counted.
struct IoTotals {
  struct Class {
    std::uint64_t commands = 0;
    std::uint64_t bytes = 0;
    Latencies latencies;  ///< of those that have ended
  };
  std::array<Class, io_classes> classes;
  std::array<std::uint64_t, error_kinds> errors{};
};

/// The memory of counters, for readers that may outlive them.
class IoCells {
 public:
  struct alignas(64) Cell {
    struct Class {
      Counter commands, bytes;
    };
    using Errors = std::array<Counter, error_kinds>;

    Cell() = default;
    ~Cell();
    Cell(const Cell&) = delete;
    Cell& operator=(const Cell&) = delete;

    // On the cell's loop only.

    Class& of(IoClass io_class) { return classes[static_cast<std::size_t>(io_class)]; }
    void count_error(std::size_t kind);
    LatencyHistogram& latencies_of(IoClass io_class) {
      auto& place = latencies[static_cast<std::size_t>(io_class)];
      LatencyHistogram* const made = place.load(std::memory_order_relaxed);
      return made != nullptr ? *made : make(place);
    }

    std::array<Class, io_classes> classes;
    std::array<std::atomic<LatencyHistogram*>, io_classes> latencies{};
    std::atomic<Errors*> errors{nullptr};

   private:
    static LatencyHistogram& make(std::atomic<LatencyHistogram*>& place);
  };

  explicit IoCells(std::size_t loops) : loops_(loops), cells_(std::make_unique<Cell[]>(loops)) {}

  /// The cell of loop 0; the others follow.
  Cell* cells() { return cells_.get(); }
  /// Any thread.
  IoCount sum() const;
  void add_to(IoTotals& totals) const;

 private:
  const std::size_t loops_;
  const std::unique_ptr<Cell[]> cells_;
};

/// Counters of a unit, kept as long as whoever made them wants to ask. The unit adds up all of its
/// own, also those that are gone.
class IoCounters {
 public:
  using Cell = IoCells::Cell;

  /// `loops`: how many count here; Command::loop_index stays below.
  IoCounters(std::shared_ptr<Lu> lu, std::size_t loops);
  ~IoCounters();
  IoCounters(const IoCounters&) = delete;
  IoCounters& operator=(const IoCounters&) = delete;

  const std::shared_ptr<Lu>& lu() const { return lu_; }
  Cell* cells() { return memory_->cells(); }
  std::shared_ptr<const IoCells> memory() const { return memory_; }
  /// Any thread.
  IoCount sum() const { return memory_->sum(); }

 private:
  friend class Lu;

  const std::shared_ptr<Lu> lu_;
  const std::shared_ptr<IoCells> memory_;
  std::size_t place_ = 0;  ///< in the unit's list
};

}  // namespace srpd::scsi
