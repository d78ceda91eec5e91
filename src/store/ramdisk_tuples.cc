// A ramdisk again. It is kept inverted: memory that was never touched says FF..FFh, unchecked.
#include "store/ramdisk_tuples.h"

#include <cstring>
#include <utility>

#include "store/protection.h"
#include "store/ramdisk.h"

namespace srpd::store {
namespace {

constexpr std::uint64_t page = 4096;

std::uint64_t bytes_for(std::uint64_t blocks) {
  return (blocks * tuple_bytes + page - 1) / page * page;
}

class RamdiskTuples final : public Tuples {
 public:
  explicit RamdiskTuples(std::unique_ptr<Backstore> memory) : memory_(std::move(memory)) {}

  Backstore& store() override { return *memory_; }
  std::uint64_t mask() const override { return ~std::uint64_t{0}; }

  Expected<void> cover(std::uint64_t blocks) override {
    const std::uint64_t used = blocks * tuple_bytes;
    const std::uint64_t bytes = bytes_for(blocks);
    // The rest of a page stays: should those blocks come back, they come back as zeroes.
    if (bytes <= memory_->size()) clear(used, bytes - used);
    if (auto sized = memory_->resize({bytes, true}); !sized)
      return tl::make_unexpected(sized.error());
    return {};
  }

  Expected<void> format() override {
    clear(0, memory_->size());
    return {};
  }

 private:
  void clear(std::uint64_t at, std::uint64_t bytes) {
    std::memset(memory_->map(at, bytes), 0, bytes);
  }

  std::unique_ptr<Backstore> memory_;
};

}  // namespace

Expected<std::unique_ptr<Tuples>> keep_ramdisk_tuples(const Specification& specification,
                                                      std::uint64_t blocks, runtime::Loop& home) {
  Specification wanted;
  wanted.name = specification.name;
  wanted.size = bytes_for(blocks);
  auto memory = open_ramdisk(wanted, home);
  if (!memory) return tl::make_unexpected(memory.error());
  return std::make_unique<RamdiskTuples>(std::move(*memory));
}

}  // namespace srpd::store
