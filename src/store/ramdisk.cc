#include "store/ramdisk.h"

#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/log.h"
#include "store/size_text.h"

namespace srpd::store {
namespace {

constexpr std::uint64_t page = 4096;
/// From here on it pays to hand pages back instead of clearing them: one huge page.
constexpr std::uint64_t worth_returning = std::uint64_t{2} << 20;
/// Clearing happens on the loop: this much takes it a few milliseconds at worst.
constexpr std::uint64_t max_clear = std::uint64_t{32} << 20;

class Ramdisk final : public Backstore {
 public:
  Ramdisk(std::byte* memory, std::uint64_t size, const Specification& specification)
      : memory_(memory), size_(size), pages_({memory, size}) {
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
  ~Ramdisk() override { ::munmap(memory_, size_); }

  const Properties& properties() const override { return properties_; }
  std::uint64_t size() const override { return size_; }
  std::string description() const override {
    return "ramdisk " + format_size(size_) + (properties_.read_only ? " (read-only)" : "");
  }

  std::byte* map(std::uint64_t offset, std::uint64_t length) override {
    DCHECK(offset <= size_ && length <= size_ - offset);
    return memory_ + offset;
  }
  runtime::PinnableMemory* memory() override { return &pages_; }

  void submit(runtime::Loop&, Operation& operation) override {
    DCHECK(operation.offset <= size_ && operation.length <= size_ - operation.offset);
    operation.complete(serve(operation));
  }

 private:
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
    if (last < first + worth_returning || !pages_.give_back(first, last - first)) {
      std::memset(memory_ + offset, 0, length);
      return;
    }
    std::memset(memory_ + offset, 0, first - offset);
    std::memset(memory_ + last, 0, offset + length - last);
  }

  std::byte* memory_;
  std::uint64_t size_;
  runtime::PinnableMemory pages_;
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
  // NORESERVE: the pages are taken when they are first written.
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return failure(specification.name,
                   "cannot get " + format_size(size) + " of memory: " + errno_text(errno),
                   "use a smaller size or raise the address space limit (ulimit -v)");
  }
  // Advice only: a kernel without huge pages serves small ones, and a core dump is for the program,
  // not for the users' data.
  ::madvise(memory, size, MADV_HUGEPAGE);
  ::madvise(memory, size, MADV_DONTDUMP);
  warn_when_larger_than_memory(specification);
  return std::make_unique<Ramdisk>(static_cast<std::byte*>(memory), size, specification);
}

}  // namespace srpd::store
