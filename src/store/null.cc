#include "store/null.h"

#include <atomic>
#include <cerrno>
#include <cstring>

#include "store/new_size.h"
#include "store/size_text.h"

namespace srpd::store {
namespace {

class Null final : public Backstore {
 public:
  explicit Null(const Specification& specification)
      : name_(specification.name),
        size_(specification.size / specification.block_size * specification.block_size) {
    properties_.plugin = "rd_mcp";
    properties_.product = "RAMDISK-MCP";
    properties_.block_size = specification.block_size;
    properties_.physical_block_size = specification.block_size;
    properties_.read_only = specification.read_only;
    properties_.can_unmap = true;
    properties_.unmap_zeroes = true;
    properties_.thin = true;
    properties_.unmap_granularity = specification.block_size;
    properties_.max_unmap_bytes = size_;
    properties_.max_write_zeroes_bytes = size_;
  }

  const Properties& properties() const override { return properties_; }
  std::uint64_t size() const override { return size_.load(std::memory_order_relaxed); }
  std::string description() const override {
    return "null " + format_size(size()) + (properties_.read_only ? " (read-only)" : "");
  }

  Expected<std::uint64_t> resize(const NewSize& wanted) override {
    const std::uint64_t asked = wanted.bytes != 0 ? wanted.bytes : size();
    const std::uint64_t bytes = asked / properties_.block_size * properties_.block_size;
    if (auto checked = check_new_size(name_, size(), bytes, wanted.may_shrink); !checked)
      return tl::make_unexpected(checked.error());
    if (size_.exchange(bytes, std::memory_order_relaxed) != bytes) observer_.tell(bytes);
    return bytes;
  }
  void set_observer(Observer* observer) override { observer_.set(observer); }

  // Reads are cleared rather than left alone: the buffer held somebody else's data before.
  void submit(runtime::Loop&, Operation& operation) override {
    if (operation.kind == Operation::Kind::read) {
      for (const iovec& piece : operation.buffers) std::memset(piece.iov_base, 0, piece.iov_len);
    }
    const bool refused = properties_.read_only && operation.kind != Operation::Kind::read &&
                         operation.kind != Operation::Kind::flush;
    operation.complete(refused ? -EROFS : 0);
  }

 private:
  const std::string name_;
  std::atomic<std::uint64_t> size_;
  ObserverSlot observer_;
  Properties properties_;
};

}  // namespace

Expected<std::unique_ptr<Backstore>> open_null(const Specification& specification, runtime::Loop&) {
  if (specification.size < specification.block_size) {
    return failure(specification.name, "a null disk needs a size of at least one block",
                   "give one, such as 1G");
  }
  return std::make_unique<Null>(specification);
}

}  // namespace srpd::store
