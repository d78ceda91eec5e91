// The data path of a FileStore: one coroutine per operation, its frame from the loop's pool.
#include "store/file_store.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "store/cursor.h"
#include "store/new_size.h"
#include "store/size_text.h"

namespace srpd::store {
namespace {

using runtime::Buffer;
using runtime::BufferPool;
using runtime::FileOperation;
using runtime::Task;

constexpr std::uint32_t zero_block_size = 65536;
constexpr std::size_t zero_pieces = 16;
/// What WRITE SAME of zeroes writes where the file system cannot do better. Never written: the
/// kernel's zero page stands behind it.
alignas(4096) std::byte zero_block[zero_block_size];

constexpr std::size_t heap_bounce_size = 65536;

/// The store's small set of errors; everything else is a medium error.
int known_error(int result) {
  switch (result) {
    case -EDQUOT:
    case -EFBIG:
    case -ENOSPC:
      return -ENOSPC;
    case -ENXIO:
    case -ENODEV:
    case -ENOLINK:  // the block layer's name for a lost path to the device
      return -ENODEV;
    case -EROFS:
    case -EPERM:
      return -EROFS;
    case -EBADE:
    case -ENOMEM:
    case -EREMOTEIO:
    case -ETIMEDOUT:
      return result;
    default:
      return -EIO;
  }
}

void prepare(FileOperation& io, FileOperation::Kind kind, int fd, std::uint64_t offset,
             std::span<const iovec> buffers) {
  io.reset();
  io.kind = kind;
  io.fd = fd;
  io.offset = offset;
  io.buffers = buffers;
}

void prepare_allocate(FileOperation& io, int fd, int mode, const Operation& operation) {
  io.reset();
  io.kind = FileOperation::Kind::allocate;
  io.fd = fd;
  io.mode = mode;
  io.offset = operation.offset;
  io.length = operation.length;
}

void prepare_discard(FileOperation& io, int fd, const Operation& operation) {
  io.reset();
  io.kind = FileOperation::Kind::discard;
  io.fd = fd;
  io.offset = operation.offset;
  io.length = operation.length;
}

void prepare_sync(FileOperation& io, int fd) {
  io.reset();
  io.kind = FileOperation::Kind::fdatasync;
  io.fd = fd;
}

/// Aligned memory for a piece of an O_DIRECT transfer. Never waits for the pool: the command that
/// asks may itself hold the buffer everybody waits for. Without one: a small one from the heap.
struct Bounce {
  Buffer buffer;
  std::byte* heap = nullptr;

  std::byte* data() const { return heap != nullptr ? heap : buffer.data; }
  std::size_t size() const { return heap != nullptr ? heap_bounce_size : buffer.size; }
};

Bounce take_bounce(BufferPool& pool, std::uint64_t length) {
  const std::uint64_t wanted = std::min<std::uint64_t>(length, BufferPool::largest);
  Bounce bounce{.buffer = pool.try_acquire(static_cast<std::uint32_t>(wanted))};
  if (!bounce.buffer)
    bounce.heap = static_cast<std::byte*>(std::aligned_alloc(4096, heap_bounce_size));
  return bounce;
}

void return_bounce(BufferPool& pool, const Bounce& bounce) {
  if (bounce.buffer) pool.release(bounce.buffer);
  std::free(bounce.heap);
}

enum class Direction { from_operation, to_operation };

/// Copies between `bounce` and the operation's memory at the cursor, which moves on.
void copy(Cursor& cursor, std::span<std::byte> bounce, Direction direction) {
  while (!bounce.empty() && !cursor.at_end()) {
    const iovec piece = cursor.next().front();
    const std::size_t length = std::min(piece.iov_len, bounce.size());
    if (direction == Direction::from_operation)
      std::memcpy(bounce.data(), piece.iov_base, length);
    else
      std::memcpy(piece.iov_base, bounce.data(), length);
    bounce = bounce.subspan(length);
    cursor.advance(length);
  }
}

std::span<const iovec> zero_vector(std::uint64_t length) {
  static const auto pieces = [] {
    std::array<iovec, zero_pieces> all;
    all.fill(iovec{zero_block, zero_block_size});
    return all;
  }();
  return std::span<const iovec>(pieces).first(
      std::min<std::uint64_t>(length / zero_block_size, zero_pieces));
}

}  // namespace

FileStore::SizeTimer::SizeTimer(FileStore& of)
    : Timer([](Timer& self) {
        FileStore& owner = static_cast<SizeTimer&>(self).store;
        owner.look_at_size();
        owner.home_.start_timer(self, owner.home_.now() + poll_interval);
      }),
      store(of) {}

FileStore::FileStore(OpenedFile file, runtime::Loop& home)
    : file_(std::move(file)), home_(home), size_(file_.size), size_timer_(*this) {}

FileStore::~FileStore() {
  home_.cancel_timer(size_timer_);
  ::close(file_.fd);
}

std::string FileStore::description() const {
  return file_.path + " " + format_size(size()) + " (" + file_.mode +
         (file_.properties.read_only ? ", read-only)" : ")");
}

void FileStore::submit(runtime::Loop& loop, Operation& operation) {
  const int refusal = check(operation);
  if (refusal != 0) {
    operation.complete(refusal);
    return;
  }
  serve(loop, operation)
      .detach([](void* context, int result) { static_cast<Operation*>(context)->complete(result); },
              &operation);
}

/// 0, or why the operation is not even begun.
int FileStore::check(Operation& operation) const {
  if (operation.kind == Operation::Kind::flush) return 0;
  if (operation.kind != Operation::Kind::read && file_.properties.read_only) return -EROFS;
  const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
  if (limit == 0 && file_.block_device) return -ENODEV;
  if (operation.offset + operation.length > limit) {
    operation.error_offset = std::max(operation.offset, limit);
    return -EIO;
  }
  return 0;
}

Task<int> FileStore::serve(runtime::Loop& loop, Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::flush:
      return flush(loop);
    case Operation::Kind::unmap:
      if (file_.discards && !operation.zeroed) return discard(loop, operation);
      return deallocate(loop, operation);
    case Operation::Kind::write_zeroes:
      return deallocate(loop, operation);
    default:
      return needs_bounce(operation) ? transfer_bounced(loop, operation)
                                     : transfer(loop, operation);
  }
}

bool FileStore::needs_bounce(const Operation& operation) const {
  if (!file_.direct) return false;
  return std::any_of(operation.buffers.begin(), operation.buffers.end(), [&](const iovec& piece) {
    return reinterpret_cast<std::uintptr_t>(piece.iov_base) % file_.memory_alignment != 0 ||
           piece.iov_len % file_.length_alignment != 0;
  });
}

FileOperation::Kind FileStore::transfer_kind(const Operation& operation) const {
  if (operation.kind == Operation::Kind::read) return FileOperation::Kind::read;
  const bool dsync =
      operation.fua && !file_.dsync && rwf_dsync_works_.load(std::memory_order_relaxed);
  return dsync ? FileOperation::Kind::write_dsync : FileOperation::Kind::write;
}

/// After the data are written: where the kernel cannot write with RWF_DSYNC, FUA is a write and a
/// sync.
bool FileStore::needs_sync(const Operation& operation) const {
  return operation.fua && operation.kind == Operation::Kind::write && !file_.dsync &&
         !rwf_dsync_works_.load(std::memory_order_relaxed);
}

/// True when the transfer is to be tried again without what the kernel cannot do.
bool FileStore::retry(FileOperation::Kind kind, int result) {
  if (result == -EINTR) return true;
  if (kind != FileOperation::Kind::write_dsync || (result != -EOPNOTSUPP && result != -ENOSYS))
    return false;
  rwf_dsync_works_.store(false, std::memory_order_relaxed);
  return true;
}

Task<int> FileStore::transfer(runtime::Loop& loop, Operation& operation) {
  FileOperation io;
  Cursor cursor(operation.buffers);
  const SyncErrors::Mark mark = sync_errors_.begin();
  while (!cursor.at_end()) {
    prepare(io, transfer_kind(operation), file_.fd, operation.offset + cursor.done(),
            cursor.next());
    loop.submit(io);
    const int result = co_await io;
    if (result > 0) {
      cursor.advance(static_cast<std::uint64_t>(result));
    } else if (!retry(io.kind, result)) {
      co_return transfer_failed(operation, cursor.done(), result);
    }
  }
  if (!needs_sync(operation)) co_return transfer_done(operation, mark);
  const int synced = co_await sync(loop, mark, false);
  co_return synced;
}

Task<int> FileStore::transfer_bounced(runtime::Loop& loop, Operation& operation) {
  FileOperation io;
  Cursor cursor(operation.buffers);
  const SyncErrors::Mark mark = sync_errors_.begin();
  const bool writes = operation.kind == Operation::Kind::write;
  const Bounce bounce = take_bounce(loop.buffers(), operation.length);
  if (bounce.data() == nullptr) co_return -ENOMEM;
  iovec piece{};
  std::uint64_t done = 0;
  while (done < operation.length) {
    const std::size_t length = std::min<std::uint64_t>(operation.length - done, bounce.size());
    if (writes) copy(cursor, {bounce.data(), length}, Direction::from_operation);
    for (std::size_t moved = 0; moved < length;) {
      piece = iovec{bounce.data() + moved, length - moved};
      prepare(io, transfer_kind(operation), file_.fd, operation.offset + done + moved, {&piece, 1});
      loop.submit(io);
      const int result = co_await io;
      if (result > 0) {
        moved += static_cast<std::size_t>(result);
      } else if (!retry(io.kind, result)) {
        return_bounce(loop.buffers(), bounce);
        co_return transfer_failed(operation, done + moved, result);
      }
    }
    if (!writes) copy(cursor, {bounce.data(), length}, Direction::to_operation);
    done += length;
  }
  return_bounce(loop.buffers(), bounce);
  if (!needs_sync(operation)) co_return transfer_done(operation, mark);
  const int synced = co_await sync(loop, mark, false);
  co_return synced;
}

int FileStore::transfer_done(const Operation& operation, SyncErrors::Mark mark) {
  return operation.fua ? sync_errors_.answer(mark, 0, false) : 0;
}

/// `result` 0 is the end of the file, where there should be data.
int FileStore::transfer_failed(Operation& operation, std::uint64_t done, int result) {
  operation.error_offset = operation.offset + done;
  if (result == 0) look_at_size();
  return store_error(result);
}

/// The kernel gives a block device that went away the size 0, and with it answers that mean
/// something else: reads meet the end, writes find no space.
bool FileStore::vanished() {
  std::uint64_t now = 0;
  return file_.block_device && (::ioctl(file_.fd, BLKGETSIZE64, &now) != 0 || now == 0);
}

int FileStore::store_error(int result) {
  if (!vanished()) return known_error(result);
  look_at_size();
  return -ENODEV;
}

Task<int> FileStore::flush(runtime::Loop& loop) {
  const SyncErrors::Mark mark = sync_errors_.begin();
  if (file_.properties.read_only) co_return 0;
  const int result = co_await sync(loop, mark, true);
  co_return result;
}

Task<int> FileStore::sync(runtime::Loop& loop, SyncErrors::Mark mark, bool is_flush) {
  FileOperation io;
  int result = -EINTR;
  while (result == -EINTR) {
    prepare_sync(io, file_.fd);
    loop.submit(io);
    result = co_await io;
  }
  if (result < 0) {
    log::error(
        "{}: sync of {} failed: {}; data written earlier may be lost. Hosts are told at "
        "their next flush; check the disk below and the kernel log",
        file_.name, file_.path, errno_text(-result));
    result = store_error(result);
  }
  co_return sync_errors_.answer(mark, result, is_flush);
}

/// A hint: a device that does not take it has lost nothing.
Task<int> FileStore::discard(runtime::Loop& loop, Operation& operation) {
  FileOperation io;
  prepare_discard(io, file_.fd, operation);
  loop.submit(io);
  const int result = co_await io;
  if (result >= 0 || result == -EOPNOTSUPP) co_return 0;
  co_return store_error(result);
}

/// O_DSYNC speaks of writes only: what fallocate(2) did is synced by hand.
Task<int> FileStore::deallocate(runtime::Loop& loop, Operation& operation) {
  FileOperation io;
  const SyncErrors::Mark mark = sync_errors_.begin();
  const bool unmap = operation.kind == Operation::Kind::unmap;
  const bool punch = (unmap || operation.may_unmap) && file_.punches;
  if (unmap && !punch) co_return 0;  // nothing was promised: Properties::unmap_zeroes is false
  int result = -EINTR;
  if (!punch && !zero_range_works_.load(std::memory_order_relaxed)) result = -EOPNOTSUPP;
  while (result == -EINTR) {
    prepare_allocate(io, file_.fd,
                     FALLOC_FL_KEEP_SIZE | (punch ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE),
                     operation);
    loop.submit(io);
    result = co_await io;
  }
  if (result == -EOPNOTSUPP || result == -ENOSYS || result == -EINVAL) {
    if (!punch) zero_range_works_.store(false, std::memory_order_relaxed);
    result = co_await write_zero_blocks(loop, operation);
  }
  if (result < 0) co_return store_error(result);
  if (!file_.dsync) co_return 0;
  const int synced = co_await sync(loop, mark, false);
  co_return synced;
}

Task<int> FileStore::write_zero_blocks(runtime::Loop& loop, Operation& operation) {
  FileOperation io;
  iovec tail{};
  std::uint64_t done = 0;
  while (done < operation.length) {
    const std::uint64_t left = operation.length - done;
    tail = iovec{zero_block, left};
    const std::span<const iovec> pieces =
        left < zero_block_size ? std::span<const iovec>(&tail, 1) : zero_vector(left);
    prepare(io, FileOperation::Kind::write, file_.fd, operation.offset + done, pieces);
    loop.submit(io);
    const int result = co_await io;
    if (result <= 0 && result != -EINTR) {
      operation.error_offset = operation.offset + done;
      co_return result == 0 ? -EIO : result;
    }
    if (result > 0) done += static_cast<std::uint64_t>(result);
  }
  co_return 0;
}

// From here on the store looks at its size: opening, which may take long, needs no loop.
void FileStore::set_observer(Observer* observer) {
  if (!size_timer_.armed()) home_.start_timer(size_timer_, home_.now() + poll_interval);
  const std::lock_guard lock(mutex_);
  observer_ = observer;
}

/// What the file or device has now.
std::optional<std::uint64_t> FileStore::bytes_behind() const {
  struct stat status{};
  if (::fstat(file_.fd, &status) != 0) return std::nullopt;
  std::uint64_t now = static_cast<std::uint64_t>(status.st_size);
  if (file_.block_device && ::ioctl(file_.fd, BLKGETSIZE64, &now) != 0) return std::nullopt;
  return now;
}

Expected<std::uint64_t> FileStore::resize(const NewSize& wanted) {
  const auto there = bytes_behind();
  if (!there || *there == 0)
    return failure(file_.name, "there is nothing behind it: " + file_.path + " has no size now",
                   "bring it back first", ENODEV);
  const std::uint64_t block = file_.properties.block_size;
  const std::uint64_t bytes = (wanted.bytes != 0 ? wanted.bytes : *there) / block * block;
  if (auto checked = check_new_size(file_.name, size(), bytes, wanted.may_shrink); !checked)
    return tl::make_unexpected(checked.error());
  if (bytes > *there) {
    if (auto longer = lengthen(*there, bytes); !longer) return tl::make_unexpected(longer.error());
  }
  serve_size(bytes, wanted.bytes != 0);
  return bytes;
}

/// Sparse, as a file that is made.
Expected<void> FileStore::lengthen(std::uint64_t from, std::uint64_t to) {
  if (file_.block_device)
    return failure(file_.name, "the device " + file_.path + " has only " + format_size(from),
                   "make the device larger first, or give no size to take over what it has",
                   ENOSPC);
  if (from < size())
    return failure(file_.name,
                   file_.path + " has only " + format_size(from) + " of the " +
                       format_size(size()) + " that are served: the rest was cut off",
                   "bring the file back from a backup; or add --force and give no size to serve "
                   "what is left",
                   EIO);
  if (file_.properties.read_only)
    return failure(file_.name, "it is served read-only: " + file_.path + " cannot be extended",
                   "extend the file by other means, then give no size", EROFS);
  if (::ftruncate(file_.fd, static_cast<off_t>(to)) == 0) return {};
  const int error = errno;
  return failure(file_.name,
                 file_.path + " cannot be made " + format_size(to) + " long: " + errno_text(error),
                 error == EFBIG ? "this file system, or the limit of srpd's process (ulimit -f), "
                                  "allows only smaller files"
                                : "",
                 error);
}

void FileStore::serve_size(std::uint64_t bytes, bool fixed) {
  const std::lock_guard lock(mutex_);
  file_.fixed_size = file_.fixed_size || fixed;
  limit_.store(UINT64_MAX, std::memory_order_relaxed);
  if (bytes == size()) return;
  log::info("{}: {} is served with {}, no longer with {}", file_.name, file_.path,
            format_size(bytes), format_size(size()));
  size_.store(bytes, std::memory_order_relaxed);
  if (observer_ != nullptr) observer_->on_size_changed(bytes);
}

void FileStore::look_at_size() {
  struct stat status{};
  if (::fstat(file_.fd, &status) != 0) return;
  const auto behind = bytes_behind();
  if (!behind) return;
  const std::uint64_t now = *behind;
  const std::lock_guard lock(mutex_);
  if (!file_.block_device && status.st_nlink == 0 && !deleted_) {
    deleted_ = true;
    log::warning(
        "{}: {} was deleted while it is served; its data end with srpd. Copy it from "
        "/proc/{}/fd/{}",
        file_.name, file_.path, ::getpid(), file_.fd);
  }
  const std::uint64_t served = size();
  if (now < served) {
    noticed_shrink(now);
  } else {
    noticed_full_size();
    if (now > served && !file_.fixed_size) noticed_growth(now);
  }
}

/// What was cut off stays an error even when a later write makes the file longer again: in between
/// lies a hole of zeroes that no host has written.
void FileStore::noticed_shrink(std::uint64_t now) {
  if (now >= limit_.load(std::memory_order_relaxed)) return;
  limit_.store(now, std::memory_order_relaxed);
  if (file_.block_device && now == 0) {
    log::error(
        "{}: the device {} has vanished; hosts are told that the unit is not ready. Bring it back "
        "(cable, path, driver) and start srpd again",
        file_.name, file_.path);
    return;
  }
  log::error(
      "{}: {} was shrunk to {} while {} are served; what lies behind answers MEDIUM ERROR. "
      "Give it the {} bytes it had, and the data from a backup",
      file_.name, file_.path, format_size(now), format_size(size()), size());
}

void FileStore::noticed_full_size() {
  if (limit_.exchange(UINT64_MAX, std::memory_order_relaxed) == UINT64_MAX) return;
  log::warning("{}: {} has its full size of {} again and is served whole", file_.name, file_.path,
               format_size(size()));
}

void FileStore::noticed_growth(std::uint64_t now) {
  const std::uint64_t whole = now / file_.properties.block_size * file_.properties.block_size;
  if (whole == size()) return;
  log::info("{}: {} has grown from {} to {}", file_.name, file_.path, format_size(size()),
            format_size(whole));
  size_.store(whole, std::memory_order_relaxed);
  if (observer_ != nullptr) observer_->on_size_changed(whole);
}

}  // namespace srpd::store
