// srp verify URL: compares the disk with a file, stdin, or the pattern that bench --verify writes.
#include <fmt/core.h>
#include <sys/stat.h>

#include "copy.h"
#include "input.h"
#include "pattern.h"

namespace srpd::cli {
namespace {

struct Options : CopyOptions {
  std::optional<std::uint64_t> pattern;
};

class Compare final : public Copy::Ends {
 public:
  Compare(const Options& options, Input& input, Copy& copy)
      : pattern_(options.pattern), input_(input), copy_(copy), block_size_(copy.block_size()) {}

  int drain(Copy::Chunk& chunk) override {
    expected_.resize(chunk.length);
    std::size_t length = chunk.length;
    if (pattern_) {
      fill_pattern(*pattern_, chunk.lba, block_size_, expected_);
    } else {
      const ssize_t got = input_.read(expected_);
      if (got < 0) return input_.error();
      length = static_cast<std::size_t>(got);
      if (length < chunk.length) copy_.stop();
    }
    const std::size_t at =
        first_difference(chunk.data().first(length), std::span(expected_).first(length));
    if (at == length) return success;
    const std::uint64_t place = chunk.lba * block_size_ + at;
    return fail({fmt::format("byte {} (LBA {})", place, place / block_size_),
                 fmt::format("differs: the disk has {:02x}, expected was {:02x}",
                             std::to_integer<unsigned>(chunk.buffer[at]),
                             std::to_integer<unsigned>(expected_[at])),
                 ""},
                scsi_error);
  }

 private:
  std::optional<std::uint64_t> pattern_;
  Input& input_;
  Copy& copy_;
  std::uint32_t block_size_;
  std::vector<std::byte> expected_;
};

// Without --count a file says how much there is to compare.
void take_count_from_file(Options& options) {
  struct stat status{};
  if (!options.count.empty() || options.pattern || options.file.empty() || options.file == "-" ||
      ::stat(options.file.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
    return;
  options.count = std::to_string(status.st_size);
  options.round_up_count = true;
}

int run(Options options, const Common& common) {
  Input input;
  if (!options.pattern && !input.open(options.file)) return input.error();
  take_count_from_file(options);
  Copy copy;
  if (const int code = copy.open(common, options); code != success) return code;
  Compare compare(options, input, copy);
  return copy.run(Copy::Direction::from_disk, compare, "verified", false);
}

}  // namespace

Action add_verify(CLI::App& app, const Common& common) {
  auto options = std::make_shared<Options>();
  add_copy_options(app, *options);
  app.add_option("FILE,--in", options->file, "What to compare with; stdin without it or with -");
  app.add_option("--pattern", options->pattern,
                 "Compare with what bench --verify --seed N writes instead");
  return [options, &common] { return run(*options, common); };
}

}  // namespace srpd::cli
