// Which local memory one device knows, for one loop: the loop's data buffers, chunk by chunk as
// they are used, and memory lent to the transport. Looked up for every piece of every operation,
// without a lock.
#pragma once

#include <infiniband/verbs.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/buffer_pool.h"
#include "transport/verbs/device.h"
#include "transport/verbs/lent_memories.h"

namespace srpd::transport::verbs {

class MemoryMap final : runtime::PageHolder {
 public:
  MemoryMap(Device& device, runtime::BufferPool& buffers, std::shared_ptr<const LentMemories> lent);
  ~MemoryMap();
  MemoryMap(const MemoryMap&) = delete;
  MemoryMap& operator=(const MemoryMap&) = delete;

  enum class Answer : std::uint8_t {
    known,    ///< `piece` is set
    unknown,  ///< memory of somebody else
    failed,   ///< could not be registered; errno says why
  };
  /// Describes memory from `at` on to the adapter: `length` bytes, or fewer where a chunk ends.
  Answer resolve(std::byte* at, std::uint32_t length, ibv_sge& piece);

 private:
  struct Lent {
    LentMemory of;
    std::vector<std::int64_t> keys;  // by chunk; -1: not asked for yet
  };

  void release_pages(std::span<std::byte> memory) override;
  Answer resolve_buffer(std::size_t offset, std::byte* at, std::uint32_t length, ibv_sge& piece);
  void look_what_is_lent();
  Lent* find_lent(std::byte* at);
  Answer resolve_lent(Lent& lent, std::byte* at, std::uint32_t length, ibv_sge& piece);

  Device& device_;
  runtime::BufferPool& buffers_;
  const std::span<std::byte> buffer_range_;
  std::vector<Registration> chunks_;  // of the buffers
  const std::shared_ptr<const LentMemories> lent_memories_;
  std::uint64_t lent_version_ = 0;
  std::vector<Lent> lent_;  // by address; `of.memory` may be gone where no command asks for it
};

}  // namespace srpd::transport::verbs
