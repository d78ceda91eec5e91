// Coroutine frames of one loop: a free list per 64-byte size class, so that a steady-state command
// allocates nothing. Used by Task's operator new through Loop::current().
#pragma once

#include <array>
#include <cstddef>

namespace srpd::runtime {

class FramePool {
 public:
  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool();

  void* allocate(std::size_t size);
  void free(void* frame, std::size_t size);

  /// Frames in use.
  std::size_t live() const { return live_; }

 private:
  static constexpr std::size_t granularity = 64;
  static constexpr std::size_t classes = 64;  // frames up to 4 KiB; larger ones are not pooled
  struct Node {
    Node* next;
  };
  std::array<Node*, classes> free_{};
  std::size_t live_ = 0;
};

}  // namespace srpd::runtime
