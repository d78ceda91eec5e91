// Registered receive buffers of one size, for the connections of one device and loop. IUs lie so
// that immediate data at the usual offset begin on a page, ready for direct I/O.
#pragma once

#include <infiniband/verbs.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "transport/transport.h"
#include "transport/verbs/device.h"

namespace srpd::transport::verbs {

class ReceiveBuffers;
class VerbsChannel;

struct ReceiveBuffer {
  Iu iu;  // first: lent to the handler of a channel, and found again by its address
  ReceiveBuffers* owner = nullptr;
  ReceiveBuffer* next = nullptr;
  std::uint32_t key = 0;
  bool posted = false;  // to the receive queue of one connection

  static ReceiveBuffer& of(Iu& iu) { return reinterpret_cast<ReceiveBuffer&>(iu); }
};

class ReceiveBuffers {
 public:
  /// Offset of immediate data behind the longest CDB, SRP r16a with the extension for immediate
  /// data.
  static constexpr std::size_t immediate_offset = 68;

  ReceiveBuffers(Device& device, std::uint32_t size);
  ReceiveBuffers(const ReceiveBuffers&) = delete;
  ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;
  ~ReceiveBuffers();

  std::uint32_t size() const { return size_; }
  /// Null when no memory can be registered; errno says why.
  ReceiveBuffer* take();
  void give(ReceiveBuffer& buffer);
  /// The adapter forgets them; what is lent stays readable.
  void deregister();

  /// The scatter list of one receive work request.
  ibv_sge piece(const ReceiveBuffer& buffer) const {
    return {reinterpret_cast<std::uintptr_t>(buffer.iu.data), size_, buffer.key};
  }

 private:
  static constexpr std::size_t per_chunk = 64;
  struct Chunk;
  bool grow();

  Device& device_;
  const std::uint32_t size_;
  const std::size_t stride_;
  ReceiveBuffer* free_ = nullptr;
  std::vector<std::unique_ptr<Chunk>> chunks_;
};

}  // namespace srpd::transport::verbs
