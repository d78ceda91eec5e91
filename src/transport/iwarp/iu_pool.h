// Receive buffers of one loop, shared by its connections: an idle connection holds none. Grows by
// chunks as IUs arrive (each connection is bounded by the receive count it promised), and gives
// chunks that stayed empty back.
//
// Most IUs are commands or responses without immediate data and go to small buffers; the others are
// placed so that immediate data at the usual offset 68 begin on a page, ready for direct I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "transport/transport.h"

namespace srpd::transport::iwarp {

class IuPool {
 public:
  static constexpr std::uint32_t small_capacity = 448;
  /// Offset of immediate data behind the longest CDB, SRP r16a with the extension for immediate
  /// data.
  static constexpr std::uint32_t immediate_offset = 68;

  IuPool();
  IuPool(const IuPool&) = delete;
  IuPool& operator=(const IuPool&) = delete;
  ~IuPool();

  /// A buffer for `size` bytes; null when the kernel has no memory.
  Iu* take(std::uint32_t size);
  static void release(Iu& iu);

  /// Frees the chunks that were empty at the last call and still are. False when no empty chunk is
  /// left.
  bool trim();

  std::size_t lent() const;
  std::size_t reserved_bytes() const;

 private:
  class SizeClass;
  struct Chunk;
  struct Slot {
    Iu iu;
    Chunk* chunk;
  };

  SizeClass& class_for(std::uint32_t size);

  std::vector<std::unique_ptr<SizeClass>> classes_;  // by pages of data; the first is the small one
};

}  // namespace srpd::transport::iwarp
