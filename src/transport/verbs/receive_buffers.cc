#include "transport/verbs/receive_buffers.h"

#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <type_traits>

namespace srpd::transport::verbs {
namespace {

constexpr std::size_t page = 4096;
static_assert(std::is_standard_layout_v<ReceiveBuffer>);

// Whole pages behind the head, and one that the head ends with.
std::size_t stride_for(std::uint32_t size) {
  const std::size_t head = ReceiveBuffers::immediate_offset;
  const std::size_t behind = size <= head ? 0 : (size - head + page - 1) / page;
  return (behind + 1) * page;
}

}  // namespace

struct ReceiveBuffers::Chunk {
  ~Chunk() {
    registration.reset();
    ::munmap(memory.data(), memory.size());
  }
  std::span<std::byte> memory;
  Registration registration;
  std::array<ReceiveBuffer, per_chunk> buffers;
};

ReceiveBuffers::ReceiveBuffers(Device& device, std::uint32_t size)
    : device_(device), size_(size), stride_(stride_for(size)) {}

ReceiveBuffers::~ReceiveBuffers() = default;

bool ReceiveBuffers::grow() {
  const std::size_t bytes = stride_ * per_chunk;
  void* const mapped =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return false;
  auto chunk = std::make_unique<Chunk>();
  chunk->memory = {static_cast<std::byte*>(mapped), bytes};
  chunk->registration = Registration::make(device_.pd(), chunk->memory, IBV_ACCESS_LOCAL_WRITE);
  if (!chunk->registration) return false;
  for (std::size_t i = per_chunk; i-- > 0;) {
    ReceiveBuffer& buffer = chunk->buffers[i];
    buffer.owner = this;
    buffer.key = chunk->registration.lkey();
    buffer.iu.data = chunk->memory.data() + i * stride_ + page - immediate_offset;
    give(buffer);
  }
  chunks_.push_back(std::move(chunk));
  return true;
}

ReceiveBuffer* ReceiveBuffers::take() {
  if (free_ == nullptr && !grow()) return nullptr;
  ReceiveBuffer* const buffer = free_;
  free_ = buffer->next;
  buffer->next = nullptr;
  return buffer;
}

void ReceiveBuffers::give(ReceiveBuffer& buffer) {
  buffer.next = free_;
  free_ = &buffer;
}

void ReceiveBuffers::deregister() {
  for (auto& chunk : chunks_) chunk->registration.reset();
}

}  // namespace srpd::transport::verbs
