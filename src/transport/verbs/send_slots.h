// Registered pieces for IUs that do not go into a work request: adapters without inline data, and
// responses with sense data. Of one device and loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "transport/verbs/device.h"

namespace srpd::transport::verbs {

struct SendSlot {
  std::byte* data = nullptr;
  std::uint32_t key = 0;
  SendSlot* next = nullptr;
};

class SendSlots {
 public:
  static constexpr std::size_t slot_size = 512;

  explicit SendSlots(Device& device) : device_(device) {}
  SendSlots(const SendSlots&) = delete;
  SendSlots& operator=(const SendSlots&) = delete;

  /// Null when no memory can be registered; errno says why.
  SendSlot* take() {
    if (free_ == nullptr && !grow()) return nullptr;
    SendSlot* const slot = free_;
    free_ = slot->next;
    return slot;
  }
  void give(SendSlot& slot) {
    slot.next = free_;
    free_ = &slot;
  }
  void deregister() {
    for (auto& chunk : chunks_) chunk->registration.reset();
  }

 private:
  static constexpr std::size_t per_chunk = 128;
  struct Chunk {
    std::unique_ptr<std::byte[]> memory{new std::byte[per_chunk * slot_size]};
    Registration registration;
    SendSlot slots[per_chunk];
  };

  bool grow() {
    auto chunk = std::make_unique<Chunk>();
    chunk->registration = Registration::make(
        device_.pd(), {chunk->memory.get(), per_chunk * slot_size}, IBV_ACCESS_LOCAL_WRITE);
    if (!chunk->registration) return false;
    for (std::size_t i = 0; i < per_chunk; ++i) {
      SendSlot& slot = chunk->slots[i];
      slot.data = chunk->memory.get() + i * slot_size;
      slot.key = chunk->registration.lkey();
      give(slot);
    }
    chunks_.push_back(std::move(chunk));
    return true;
  }

  Device& device_;
  SendSlot* free_ = nullptr;
  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace srpd::transport::verbs
