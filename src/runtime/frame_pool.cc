#include "runtime/frame_pool.h"

#include <new>

#include "base/check.h"
#include "runtime/sanitizer.h"

namespace srpd::runtime {

FramePool::~FramePool() {
  for (std::size_t i = 0; i < classes; ++i) {
    while (Node* node = free_[i]) {
      free_[i] = node->next;
      unpoison(node, (i + 1) * granularity);
      ::operator delete(node);
    }
  }
}

void* FramePool::allocate(std::size_t size) {
  ++live_;
  const std::size_t index = (size - 1) / granularity;
  if (index >= classes) return ::operator new(size);
  Node* const node = free_[index];
  if (node == nullptr) return ::operator new((index + 1) * granularity);
  free_[index] = node->next;
  unpoison(node, (index + 1) * granularity);
  return node;
}

void FramePool::free(void* frame, std::size_t size) {
  CHECK(live_ > 0);
  --live_;
  const std::size_t index = (size - 1) / granularity;
  if (index >= classes) {
    ::operator delete(frame);
    return;
  }
  Node* const node = ::new (frame) Node{free_[index]};
  free_[index] = node;
  // The link stays readable: the pool itself follows it.
  poison(node + 1, (index + 1) * granularity - sizeof(Node));
}

}  // namespace srpd::runtime
