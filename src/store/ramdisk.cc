// The memory of a disk lies in a piece of the address space that leaves room behind it: so it can
// grow while hosts work, with nothing copied and no address changed.
#include "store/ramdisk.h"

#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/log.h"
#include "store/new_size.h"
#include "store/size_text.h"

namespace srpd::store {
namespace {

constexpr std::uint64_t page = 4096;
/// From here on it pays to hand pages back instead of clearing them: one huge page.
constexpr std::uint64_t worth_returning = std::uint64_t{2} << 20;
/// Clearing happens on the loop: this much takes it a few milliseconds at worst.
constexpr std::uint64_t max_clear = std::uint64_t{32} << 20;
/// How far a disk can grow: addresses cost nothing, but there are only 2^47 of them for all.
constexpr std::uint64_t room_factor = 4;
constexpr std::uint64_t least_room = std::uint64_t{1} << 30;
constexpr std::uint64_t most_room = std::uint64_t{1} << 40;

std::uint64_t room_for(std::uint64_t size) {
  if (size >= most_room) return size;
  return std::min(std::max(size * room_factor, least_room), most_room);
}

void* reserve(std::uint64_t bytes) {
  return ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/// Lets [memory + from, memory + to) be used. The pages are taken when they are first written.
bool make_usable(std::byte* memory, std::uint64_t from, std::uint64_t to) {
  std::byte* const begin = memory + from;
  if (::mprotect(begin, to - from, PROT_READ | PROT_WRITE) != 0) return false;
  // Advice only: a kernel without huge pages serves small ones, and a core dump is for the program,
  // not for the users' data.
  ::madvise(begin, to - from, MADV_HUGEPAGE);
  ::madvise(begin, to - from, MADV_DONTDUMP);
  return true;
}

class Ramdisk final : public Backstore {
 public:
  /// `size` of the `room` bytes at `memory` can be used.
  Ramdisk(std::byte* memory, std::uint64_t size, std::uint64_t room,
          const Specification& specification)
      : name_(specification.name),
        memory_(memory),
        room_(room),
        size_(size),
        usable_(size),
        pages_({memory, size}) {
    properties_.plugin = "rd_mcp";
    properties_.product = "RAMDISK-MCP";
    properties_.block_size = specification.block_size;
    properties_.physical_block_size = specification.block_size;
    properties_.read_only = specification.read_only;
    properties_.can_unmap = true;
    properties_.unmap_zeroes = true;
    properties_.thin = true;
    properties_.unmap_granularity = page;
    properties_.max_unmap_bytes = max_clear;
    properties_.max_write_zeroes_bytes = max_clear;
  }
  ~Ramdisk() override { ::munmap(memory_, room_); }

  const Properties& properties() const override { return properties_; }
  std::uint64_t size() const override { return size_.load(std::memory_order_relaxed); }
  std::string description() const override {
    return "ramdisk " + format_size(size()) + (properties_.read_only ? " (read-only)" : "");
  }

  std::byte* map(std::uint64_t offset, std::uint64_t length) override {
    DCHECK(is_usable(offset, length));
    return memory_ + offset;
  }
  runtime::PinnableMemory* memory() override { return &pages_; }

  void submit(runtime::Loop&, Operation& operation) override {
    DCHECK(is_usable(operation.offset, operation.length));
    operation.complete(serve(operation));
  }

  Expected<std::uint64_t> resize(const NewSize& wanted) override {
    const std::uint64_t asked = wanted.bytes != 0 ? wanted.bytes : size();
    const std::uint64_t bytes = asked / page * page;
    if (auto checked = check_new_size(name_, size(), bytes, wanted.may_shrink); !checked)
      return tl::make_unexpected(checked.error());
    if (auto grown = grow_to(bytes); !grown) return tl::make_unexpected(grown.error());
    const std::uint64_t before = size_.exchange(bytes, std::memory_order_relaxed);
    if (before != bytes) observer_.tell(bytes);
    // What comes back later is to read as zeroes.
    if (before > bytes) clear(bytes, before - bytes);
    return bytes;
  }
  void set_observer(Observer* observer) override { observer_.set(observer); }

 private:
  /// Commands that began before the disk shrank may still use what it had then.
  bool is_usable(std::uint64_t offset, std::uint64_t length) const {
    const std::uint64_t usable = usable_.load(std::memory_order_relaxed);
    return offset <= usable && length <= usable - offset;
  }

  Expected<void> grow_to(std::uint64_t bytes) {
    const std::uint64_t usable = usable_.load(std::memory_order_relaxed);
    if (bytes <= usable) return {};
    if (bytes > room_) {
      return failure(name_,
                     "its memory can grow to " + format_size(room_) +
                         " where it is, and is not moved while hosts use it",
                     "make another ramdisk of that size and let hosts copy", ENOMEM);
    }
    if (!make_usable(memory_, usable, bytes)) {
      const int error = errno;
      return failure(name_, "cannot get " + format_size(bytes) + " of memory: " + errno_text(error),
                     "use a smaller size, or raise the limits of srpd's memory (ulimit -v, -d)",
                     error);
    }
    last_pages_ = &last_pages_->grow({memory_ + usable, bytes - usable});
    usable_.store(bytes, std::memory_order_relaxed);
    return {};
  }

  int serve(const Operation& operation) {
    std::byte* at = memory_ + operation.offset;
    switch (operation.kind) {
      case Operation::Kind::read:
        for (const iovec& piece : operation.buffers) {
          std::memcpy(piece.iov_base, at, piece.iov_len);
          at += piece.iov_len;
        }
        return 0;
      case Operation::Kind::write:
        if (properties_.read_only) return -EROFS;
        for (const iovec& piece : operation.buffers) {
          std::memcpy(at, piece.iov_base, piece.iov_len);
          at += piece.iov_len;
        }
        return 0;
      case Operation::Kind::flush:
        return 0;
      case Operation::Kind::unmap:
      case Operation::Kind::write_zeroes:
        if (properties_.read_only) return -EROFS;
        clear(operation.offset, operation.length);
        return 0;
    }
    return -EINVAL;
  }

  /// Whole pages go back to the kernel, which hands out zeroed ones at the next touch.
  void clear(std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t first = (offset + page - 1) / page * page;
    const std::uint64_t last = (offset + length) / page * page;
    if (last < first + worth_returning) {
      std::memset(memory_ + offset, 0, length);
      return;
    }
    std::memset(memory_ + offset, 0, first - offset);
    std::memset(memory_ + last, 0, offset + length - last);
    for (runtime::PinnableMemory* part = &pages_; part != nullptr; part = part->next())
      clear_pages(*part, first, last);
  }

  /// Of those from `first` to `last`, which adapters may know.
  void clear_pages(runtime::PinnableMemory& part, std::uint64_t first, std::uint64_t last) {
    const auto begin = static_cast<std::uint64_t>(part.bytes().data() - memory_);
    first = std::max(first, begin);
    last = std::min(last, begin + part.bytes().size());
    if (first < last && !part.give_back(first - begin, last - first))
      std::memset(memory_ + first, 0, last - first);
  }

  const std::string name_;
  std::byte* const memory_;
  const std::uint64_t room_;
  std::atomic<std::uint64_t> size_;
  std::atomic<std::uint64_t> usable_;  ///< the most it ever had
  runtime::PinnableMemory pages_;      ///< and those after it: all that can be used
  runtime::PinnableMemory* last_pages_ = &pages_;
  ObserverSlot observer_;
  Properties properties_;
};

void warn_when_larger_than_memory(const Specification& specification) {
  struct sysinfo info{};
  if (::sysinfo(&info) != 0) return;
  const std::uint64_t total = std::uint64_t{info.totalram} * info.mem_unit;
  if (specification.size > total) {
    log::warning(
        "{}: {} is more than the {} of memory this machine has; the kernel ends srpd when "
        "hosts write more than fits",
        specification.name, format_size(specification.size), format_size(total));
  }
}

}  // namespace

Expected<std::unique_ptr<Backstore>> open_ramdisk(const Specification& specification,
                                                  runtime::Loop&) {
  const std::uint64_t size = specification.size / page * page;
  if (size == 0) {
    return failure(specification.name, "a ramdisk needs a size of at least 4096 bytes",
                   "give one, such as 256M");
  }
  std::uint64_t room = room_for(size);
  void* memory = reserve(room);
  if (memory == MAP_FAILED) memory = reserve(room = size);
  if (memory == MAP_FAILED || !make_usable(static_cast<std::byte*>(memory), 0, size)) {
    const int error = errno;
    if (memory != MAP_FAILED) ::munmap(memory, room);
    return failure(specification.name,
                   "cannot get " + format_size(size) + " of memory: " + errno_text(error),
                   "use a smaller size or raise the address space limit (ulimit -v)");
  }
  warn_when_larger_than_memory(specification);
  return std::make_unique<Ramdisk>(static_cast<std::byte*>(memory), size, room, specification);
}

}  // namespace srpd::store
