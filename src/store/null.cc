#include "store/null.h"

#include <cerrno>
#include <cstring>

#include "store/size_text.h"

namespace srpd::store {
namespace {

class Null final : public Backstore {
 public:
  explicit Null(const Specification& specification)
      : size_(specification.size / specification.block_size * specification.block_size) {
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
  std::uint64_t size() const override { return size_; }
  std::string description() const override {
    return "null " + format_size(size_) + (properties_.read_only ? " (read-only)" : "");
  }

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
  std::uint64_t size_;
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
