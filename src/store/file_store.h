// The data path of the stores that stand on a descriptor: fileio and iblock. What differs between
// them was decided when the file was opened and stands in OpenedFile.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/buffer_pool.h"
#include "runtime/loop.h"
#include "runtime/task.h"
#include "store/backstore.h"
#include "store/sync_errors.h"

namespace srpd::store {

/// What opening it has found out about a file or device.
struct OpenedFile {
  int fd = -1;  ///< owned by the FileStore made of it
  std::string name, path;
  std::string mode;        ///< for messages: "buffered"
  std::uint64_t size = 0;  ///< bytes served
  bool block_device = false;
  bool direct = false;
  bool dsync = false;
  bool fixed_size = false;  ///< the configuration names a size: growth of the file is not served
  bool punches = false;     ///< blocks can be deallocated so that they read back as zero
  bool discards = false;    ///< blocks can be discarded, whatever they read back as then
  std::uint32_t memory_alignment = 1;  ///< O_DIRECT: of addresses
  std::uint32_t length_alignment = 1;  ///< O_DIRECT: of offsets and lengths
  Properties properties;
};

class FileStore final : public Backstore {
 public:
  /// How often the size of the file is looked at.
  static constexpr std::chrono::seconds poll_interval{3};

  FileStore(OpenedFile file, runtime::Loop& home);
  ~FileStore() override;

  const Properties& properties() const override { return file_.properties; }
  std::uint64_t size() const override { return size_.load(std::memory_order_relaxed); }
  std::string description() const override;
  void submit(runtime::Loop& loop, Operation& operation) override;
  Expected<std::uint64_t> resize(const NewSize& wanted) override;
  void set_observer(Observer* observer) override;

  /// Compares the size of the file with what is served. Any thread.
  void look_at_size();

 private:
  struct SizeTimer : runtime::Timer {
    explicit SizeTimer(FileStore& of);
    FileStore& store;
  };

  int check(Operation& operation) const;
  runtime::Task<int> serve(runtime::Loop& loop, Operation& operation);
  runtime::Task<int> transfer(runtime::Loop& loop, Operation& operation);
  runtime::Task<int> transfer_bounced(runtime::Loop& loop, Operation& operation);
  runtime::Task<int> flush(runtime::Loop& loop);
  runtime::Task<int> sync(runtime::Loop& loop, SyncErrors::Mark mark, bool is_flush);
  runtime::Task<int> discard(runtime::Loop& loop, Operation& operation);
  runtime::Task<int> deallocate(runtime::Loop& loop, Operation& operation);
  runtime::Task<int> write_zero_blocks(runtime::Loop& loop, Operation& operation);

  bool needs_bounce(const Operation& operation) const;
  bool needs_sync(const Operation& operation) const;
  runtime::FileOperation::Kind transfer_kind(const Operation& operation) const;
  bool retry(runtime::FileOperation::Kind kind, int result);
  int transfer_done(const Operation& operation, SyncErrors::Mark mark);
  int transfer_failed(Operation& operation, std::uint64_t done, int result);
  bool vanished();
  int store_error(int result);

  std::optional<std::uint64_t> bytes_behind() const;
  Expected<void> lengthen(std::uint64_t from, std::uint64_t to);
  void serve_size(std::uint64_t bytes, bool fixed);

  // With mutex_ held.
  void noticed_shrink(std::uint64_t now);
  void noticed_full_size();
  void noticed_growth(std::uint64_t now);

  OpenedFile file_;
  runtime::Loop& home_;
  std::atomic<std::uint64_t> size_;
  /// Nothing from here on is served: the file was shrunk under us. UINT64_MAX: it was not.
  std::atomic<std::uint64_t> limit_{UINT64_MAX};
  std::atomic<bool> rwf_dsync_works_{true};
  std::atomic<bool> zero_range_works_{true};
  SyncErrors sync_errors_;
  SizeTimer size_timer_;
  std::mutex mutex_;  // observer and size changes, never on the I/O path
  Observer* observer_ = nullptr;
  bool deleted_ = false;
};

}  // namespace srpd::store
