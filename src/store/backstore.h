// The backstore seam: where the blocks of a logical unit are. Thread-safe: every loop may submit;
// an operation completes on the loop that submitted it.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/completion.h"
#include "runtime/loop.h"
#include "runtime/pinnable_memory.h"

namespace srpd::store {

class PassThrough;

/// One I/O of the backstore, in bytes. The caller keeps it and the buffers in place until
/// completion, which may be inline. Result: 0 when the whole range was done, else -errno (-EIO
/// medium error, -ENOSPC out of space, -EROFS, -ENODEV vanished, -EBADE reserved by somebody else
/// at the device below, -ETIMEDOUT, -EREMOTEIO for its other failures; -EILSEQ, -EBADR, -EBADSLT
/// guard, application or reference tag do not match the data read); never a short count.
struct Operation : runtime::Completion {
  enum class Kind : std::uint8_t {
    read,
    write,
    flush,         ///< everything completed so far is on stable media
    unmap,         ///< may or may not read back as zero, see `zeroed`
    write_zeroes,  ///< reads back as zero; may deallocate when `may_unmap`
  };
  using Completion::Completion;

  Kind kind = Kind::read;
  bool fua = false;        ///< write: on stable media before completion
  bool may_unmap = false;  ///< write_zeroes
  bool zeroed = false;     ///< unmap: shall read back as zero; needs Properties::unmap_zeroes
  std::uint64_t offset = 0;
  std::uint64_t length = 0;        ///< bytes; for read and write the sum of `buffers`
  std::span<const iovec> buffers;  ///< read and write
  /// Out: on -EIO and wrong data the first byte known to have failed (offset when unknown).
  std::uint64_t error_offset = 0;
};

/// What never changes while the store is open.
struct Properties {
  std::string_view plugin;         ///< LIO's name: "rd_mcp", "fileio", "iblock"
  std::string_view product;        ///< INQUIRY product identification: "RAMDISK-MCP", "FILEIO"
  std::uint32_t block_size = 512;  ///< logical block length in bytes
  std::uint32_t physical_block_size = 512;
  bool write_cache = false;  ///< a completed write may be lost at power loss unless FUA or flushed
  bool read_only = false;
  bool rotational = false;
  bool can_unmap = false;
  bool unmap_zeroes = false;            ///< unmap can promise that blocks read back as zero
  bool thin = false;                    ///< LBPME: blocks can be unallocated
  std::uint32_t unmap_granularity = 0;  ///< bytes
  std::uint32_t unmap_alignment = 0;    ///< bytes from the start to the first whole granule
  std::uint64_t max_unmap_bytes = 0;
  std::uint64_t max_write_zeroes_bytes = 0;  ///< 0: emulated by writes
  std::uint32_t max_transfer_bytes = 0;      ///< 0: no limit
  std::uint32_t optimal_transfer_bytes = 0;
  std::uint32_t queue_depth = 0;  ///< operations at once that it gains from; 0: not known
};

/// What resize() is asked for.
struct NewSize {
  std::uint64_t bytes = 0;  ///< 0: as much as there is behind the store now
  bool may_shrink = false;  ///< hosts lose what they have beyond
};

/// Told about changes of the size. Any thread.
class Observer {
 public:
  virtual void on_size_changed(std::uint64_t bytes) = 0;

 protected:
  ~Observer() = default;
};

class Backstore {
 public:
  virtual ~Backstore() = default;

  virtual const Properties& properties() const = 0;
  /// Bytes, a multiple of the block size. Can change while open. Any thread.
  virtual std::uint64_t size() const = 0;
  /// For messages and status: "ramdisk 256 MiB", "/srv/disk.img (buffered)".
  virtual std::string description() const = 0;

  /// The caller has checked the range against size(). May complete inline.
  virtual void submit(runtime::Loop& loop, Operation& operation) = 0;

  /// Direct memory of a range inside the size, or null where there is none. When not null, a read
  /// is done by reading there and a write by writing there, with nothing else to do; valid as long
  /// as the store is open.
  virtual std::byte* map(std::uint64_t offset, std::uint64_t length) {
    static_cast<void>(offset);
    static_cast<void>(length);
    return nullptr;
  }

  /// What map() gives pieces of, for transports that register it; null where map() gives none.
  virtual runtime::PinnableMemory* memory() { return nullptr; }

  /// Not null: the unit is a SCSI device itself, which gets commands; submit() is not used then.
  virtual PassThrough* pass_through() { return nullptr; }

  /// Serves another size from now on, of whole blocks, and tells the observer; the new size. What
  /// is behind the store is made longer where it has to be, and never shorter. On no loop, since it
  /// may take long; one at a time.
  virtual Expected<std::uint64_t> resize(const NewSize& wanted) {
    static_cast<void>(wanted);
    return failure(description(), "its size cannot change", "make it anew with another size");
  }

  /// At most one; null to remove. On the store's home. From the first one on the store notices
  /// changes by itself.
  virtual void set_observer(Observer* observer) { static_cast<void>(observer); }
};

}  // namespace srpd::store
