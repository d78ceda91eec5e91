#include "store/fileio_tuples.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "store/file_store.h"
#include "store/open_file.h"
#include "store/protection.h"
#include "store/size_text.h"

namespace srpd::store {
namespace {

constexpr std::size_t fill_at_once = std::size_t{1} << 20;

/// "Unchecked" into [from, to), on stable media when it returns. 0 or -errno.
int fill(int fd, std::uint64_t from, std::uint64_t to) {
  const std::vector<std::byte> unchecked(std::min<std::uint64_t>(fill_at_once, to - from),
                                         std::byte{0xff});
  while (from < to) {
    const std::size_t size = std::min<std::uint64_t>(unchecked.size(), to - from);
    const ssize_t written = ::pwrite(fd, unchecked.data(), size, static_cast<off_t>(from));
    if (written < 0 && errno != EINTR) return -errno;
    if (written > 0) from += static_cast<std::uint64_t>(written);
  }
  return ::fdatasync(fd) == 0 ? 0 : -errno;
}

class FileTuples final : public Tuples {
 public:
  /// `sync` and `plain`: the same file, the first with O_DSYNC.
  FileTuples(const Specification& side, int sync, Descriptor plain, runtime::Loop& home)
      : name_(object_of(side)), plain_(std::move(plain)), store_(opened(side, sync), home) {}

  Backstore& store() override { return store_; }
  std::uint64_t mask() const override { return 0; }

  Expected<void> cover(std::uint64_t blocks) override {
    struct stat status{};
    if (::fstat(plain_.get(), &status) != 0) return failed("cannot be examined", errno);
    const std::uint64_t has = static_cast<std::uint64_t>(status.st_size) / tuple_bytes;
    if (has < blocks) {
      log::info(
          "{}: it gets protection information for blocks {} to {}, which are checked once they are "
          "written",
          name_, has, blocks - 1);
      if (const int result = fill(plain_.get(), has * tuple_bytes, blocks * tuple_bytes);
          result < 0)
        return failed("cannot be made " + format_size(blocks * tuple_bytes) + " long", -result);
    }
    if (store_.size() == blocks * tuple_bytes) return {};
    if (auto sized = store_.resize({blocks * tuple_bytes, true}); !sized)
      return tl::make_unexpected(sized.error());
    return {};
  }

  Expected<void> format() override {
    if (const int result = fill(plain_.get(), 0, store_.size()); result < 0)
      return failed("cannot be formatted", -result);
    return {};
  }

 private:
  static OpenedFile opened(const Specification& side, int fd) {
    OpenedFile file;
    file.fd = fd;
    file.name = side.name.empty() ? side.path : side.name;
    file.path = side.path;
    file.mode = "dsync";
    file.dsync = true;
    file.fixed_size = true;
    file.properties.block_size = tuple_bytes;
    file.properties.read_only = side.read_only;
    file.size = side.size;
    return file;
  }

  tl::unexpected<Error> failed(const std::string& what, int error) const {
    return failure(name_, "the protection information " + what + ": " + errno_text(error),
                   error == ENOSPC ? "it takes 8 bytes for each block: make room for it" : "",
                   error);
  }

  const std::string name_;
  const Descriptor plain_;
  FileStore store_;
};

bool is_block_device(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
}

constexpr const char* give_up =
    "; or give it up: with pi_prot_format=1 of the disk no block is checked until it is written";

tl::unexpected<Error> cannot_use(const Specification& side, const std::string& cause,
                                 const std::string& remedy, int error) {
  return failure(object_of(side), "its protection information, " + side.path + ": " + cause, remedy,
                 error);
}

tl::unexpected<Error> cannot_open(const Specification& side, int error) {
  if (error == ENOENT)
    return cannot_use(side, "the file does not exist", std::string("bring it back") + give_up,
                      error);
  const Error why = open_failed(side, error).value();
  return cannot_use(side, why.cause, why.remedy, error);
}

/// What is made when it is missing is made longer when it is short. Where it was there before, it
/// was cut, and what is lost of it must not be forgotten.
Expected<void> check_whole(const Specification& side, int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return cannot_use(side, errno_text(errno), {}, errno);
  if (!S_ISREG(status.st_mode))
    return cannot_use(side, "it is no regular file", "move it away and bring the file back",
                      EINVAL);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (side.create || size >= side.size) return {};
  return cannot_use(side,
                    "it has " + format_size(size) + ", less than the " + format_size(side.size) +
                        " of all blocks: it was cut",
                    std::string("bring it back from a backup") + give_up, EINVAL);
}

/// The name of a new file is on stable media, too. Best effort: not all file systems can.
void sync_folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  const Descriptor opened(
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() >= 0) static_cast<void>(::fsync(opened.get()));
}

/// What was written before, without protection, may still wait in the page cache, and a host does
/// not flush a disk that says it has no cache.
void sync_data(const std::string& path) {
  const Descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.get() >= 0) static_cast<void>(::fdatasync(opened.get()));
}

}  // namespace

Expected<std::unique_ptr<Tuples>> keep_fileio_tuples(const Specification& specification,
                                                     std::uint64_t blocks, runtime::Loop& home) {
  if (is_block_device(specification.path)) {
    return failure(object_of(specification),
                   "it is a block device, which has no place for protection information beside it",
                   "serve a file, or set pi_prot_type to 0", ENOSYS);
  }
  Specification side;
  side.name = specification.name;
  side.path = specification.path + ".protection";
  side.size = blocks * tuple_bytes;
  side.read_only = specification.read_only;
  side.create = specification.create && !side.read_only;
  const int access = O_CLOEXEC | (side.read_only ? O_RDONLY : O_RDWR) | (side.create ? O_CREAT : 0);
  Descriptor plain(open_unless_busy(side.path, access));
  if (plain.get() < 0) return cannot_open(side, -plain.get());
  Descriptor sync(open_unless_busy(side.path, access | O_DSYNC));
  if (sync.get() < 0) return cannot_open(side, -sync.get());
  if (auto whole = check_whole(side, plain.get()); !whole)
    return tl::make_unexpected(whole.error());
  if (auto locked = lock_file(side, sync.get()); !locked)
    return tl::make_unexpected(locked.error());
  sync_folder(side.path);
  sync_data(specification.path);
  auto tuples = std::make_unique<FileTuples>(side, sync.take(), std::move(plain), home);
  if (auto covered = tuples->cover(blocks); !covered) return tl::make_unexpected(covered.error());
  return tuples;
}

}  // namespace srpd::store
