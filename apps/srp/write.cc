// srp write URL: from a file or stdin to the disk.
#include <fmt/core.h>

#include <algorithm>

#include "copy.h"
#include "input.h"

namespace srpd::cli {
namespace {

struct Options : CopyOptions {
  bool pad = false;
  bool fua = false;
  bool no_sync = false;
};

class FromFile final : public Copy::Ends {
 public:
  FromFile(Input& input, std::uint32_t block_size, bool pad)
      : input_(input), block_size_(block_size), pad_(pad) {}

  int fill(Copy::Chunk& chunk) override {
    const ssize_t got = input_.read(chunk.data());
    if (got < 0) return input_.error();
    auto length = static_cast<std::uint32_t>(got);
    if (const std::uint32_t tail = length % block_size_; tail != 0 && pad_) {
      std::fill_n(chunk.buffer.begin() + length, block_size_ - tail, std::byte{0});
      length += block_size_ - tail;
    } else {
      left_over_ = tail;
      length -= tail;
    }
    chunk.length = length;
    return success;
  }
  int drain(Copy::Chunk&) override { return success; }

  /// Whether anything is left over.
  int check_end(bool disk_is_full) {
    if (left_over_ != 0)
      return fail({input_.path(),
                   fmt::format("ends in the middle of a block; its last {} bytes were not written",
                               left_over_),
                   "--pad fills the block with zeros"},
                  file_error);
    if (!disk_is_full) return success;
    std::byte more;
    const ssize_t got = input_.read({&more, 1});
    if (got == 0) return success;
    if (got < 0) return input_.error();
    return fail({input_.path(), "is longer than the disk has room", "the disk was filled"},
                file_error);
  }

 private:
  Input& input_;
  std::uint32_t block_size_;
  bool pad_;
  std::uint32_t left_over_ = 0;
};

int run(const Options& options, const Common& common) {
  Input input;
  if (!input.open(options.file)) return input.error();
  Copy copy;
  if (const int code = copy.open(common, options); code != success) return code;
  FromFile file(input, copy.block_size(), options.pad);
  int code = copy.run(Copy::Direction::to_disk, file, "wrote", options.fua);
  if (code == success) code = file.check_end(options.count.empty());
  if (options.no_sync || (code != success && code != file_error)) return code;
  initiator::Request sync;
  sync.lun = *copy.connected().url.lun;
  initiator::prepare_synchronize_cache(sync);
  copy.connected().client->execute(sync);
  if (!sync.good()) return fail_request(copy.connected(), "SYNCHRONIZE CACHE", sync);
  return code;
}

}  // namespace

Action add_write(CLI::App& app, const Common& common) {
  auto options = std::make_shared<Options>();
  add_copy_options(app, *options);
  app.add_option("FILE,--in", options->file, "Where from; stdin without it or with -");
  app.add_flag("--pad", options->pad, "Fill the last block with zeros");
  app.add_flag("--fua", options->fua, "Force unit access: each command reaches stable media");
  app.add_flag("--no-sync", options->no_sync, "No SYNCHRONIZE CACHE at the end");
  return [options, &common] { return run(*options, common); };
}

}  // namespace srpd::cli
