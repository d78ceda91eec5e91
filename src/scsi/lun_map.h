// Which unit a LUN names for one initiator. Commands on any loop look LUNs up while the home loop
// of the logins adds and removes them: a table of two levels whose slots are atomic pointers, so
// that a look-up is two loads and a change is one store.
//
// Who removes an ITL nexus keeps it until every loop has been round once, and no command refers to
// it (target/removal.h).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace srpd::scsi {

struct ItlNexus;

class LunMap {
 public:
  /// Flat space addressing has 14 bits (SAM-5 4.7.7.4).
  static constexpr std::uint32_t max_number = 16383;

  LunMap() = default;
  LunMap(const LunMap&) = delete;
  LunMap& operator=(const LunMap&) = delete;
  /// Everything was removed.
  ~LunMap();

  // Any loop.

  /// Any addressing method that names a unit here; null: none.
  ItlNexus* find(std::uint64_t lun) const;
  /// number <= max_number.
  ItlNexus* at(std::uint32_t number) const;
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  /// visit(ItlNexus&), in order of LUN. What is added or removed meanwhile may be missed.
  template <class Visitor>
  void for_each(Visitor visit) const {
    for (const auto& slot : pages_) {
      const Page* const page = slot.load(std::memory_order_acquire);
      if (page == nullptr) continue;
      for (const auto& entry : *page)
        if (ItlNexus* const itl = entry.load(std::memory_order_acquire); itl != nullptr)
          visit(*itl);
    }
  }

  // One loop, that of the logins.

  /// Its number is free.
  void add(ItlNexus& itl);
  void remove(ItlNexus& itl);

 private:
  static constexpr std::size_t page_size = 128;
  using Page = std::array<std::atomic<ItlNexus*>, page_size>;

  std::array<std::atomic<Page*>, (max_number + 1) / page_size> pages_{};
  std::atomic<std::size_t> size_{0};
};

/// The eight bytes of LUN `number` as an integer, in the addressing method LIO uses for it:
/// peripheral below 256, flat space above (SAM-5 4.7.7).
std::uint64_t encode_lun(std::uint32_t number);

}  // namespace srpd::scsi
