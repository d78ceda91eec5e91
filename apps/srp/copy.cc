#include "copy.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

#include "progress.h"

namespace srpd::cli {

void add_copy_options(CLI::App& app, CopyOptions& options) {
  app.add_option("URL", options.url, "The disk")->required();
  app.add_option("--offset", options.offset, "Where on the disk to begin, in bytes (4k, 1M, ...)")
      ->capture_default_str();
  app.add_option("--count", options.count, "How many bytes; else all there are");
  app.add_option("--chunk", options.chunk, "Bytes per command")->capture_default_str();
  app.add_option("--depth", options.depth, "Commands under way")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_flag("-q,--quiet", options.quiet, "No progress bar and no rate");
}

int Copy::open(const Common& common, const CopyOptions& options) {
  auto connected = connect(common, options.url, {.queue_depth = options.depth});
  if (!connected) return fail(connected.error());
  connected_ = std::move(*connected);
  const auto capacity = initiator::read_capacity(*connected_.client, *connected_.url.lun);
  if (!capacity) return fail_lun(connected_, capacity.error());
  capacity_ = *capacity;
  quiet_ = options.quiet;
  if (const int code = range(options); code != success) return code;
  chunks_.resize(options.depth);
  for (Chunk& chunk : chunks_) {
    chunk.buffer.resize(chunk_bytes_);
    chunk.copy = this;
    chunk.request.lun = *connected_.url.lun;
  }
  return success;
}

int Copy::range(const CopyOptions& options) {
  const auto offset = parse_size(options.offset);
  const auto count = options.count.empty() ? Expected<std::uint64_t>(0) : parse_size(options.count);
  const auto chunk = parse_size(options.chunk);
  for (const auto* each : {&offset, &count, &chunk})
    if (!*each) return fail(each->error(), usage_error);
  const std::uint32_t block = capacity_.block_size;
  const std::uint64_t wanted = !count                   ? 0
                               : options.round_up_count ? (*count + block - 1) / block * block
                                                        : *count;
  if (*offset % block != 0 || wanted % block != 0 || *chunk % block != 0 || *chunk == 0 ||
      *chunk > (std::uint64_t{16} << 20))
    return fail(
        {connected_.url.text(), "offset, count and chunk are not multiples of the block size",
         fmt::format("blocks have {} bytes; a chunk has at most 16M", block)},
        usage_error);
  first_lba_ = *offset / block;
  counted_ = !options.count.empty();
  const std::uint64_t rest = first_lba_ < capacity_.blocks ? capacity_.blocks - first_lba_ : 0;
  blocks_ = counted_ ? wanted / block : rest;
  if (first_lba_ > capacity_.blocks || blocks_ > rest)
    return fail({connected_.url.text(),
                 fmt::format("the range ends behind the end of the disk, which has {} bytes",
                             capacity_.bytes()),
                 "lower --offset or --count"},
                usage_error);
  chunk_bytes_ = static_cast<std::uint32_t>(*chunk);
  return success;
}

int Copy::start(Chunk& chunk, Direction direction, Ends& ends, bool fua) {
  const std::uint64_t left = (blocks_ - next_block_) * capacity_.block_size;
  chunk.length = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, chunk_bytes_));
  chunk.lba = first_lba_ + next_block_;
  chunk.done = false;
  if (direction == Direction::to_disk) {
    const std::uint32_t whole = chunk.length;
    if (const int code = ends.fill(chunk); code != success) return code;
    input_ended_ = chunk.length < whole;
    if (chunk.length == 0) return success;
  }
  const std::uint32_t blocks = chunk.length / capacity_.block_size;
  if (direction == Direction::to_disk) {
    initiator::prepare_write(chunk.request, chunk.lba, blocks, chunk.data(), fua);
  } else {
    initiator::prepare_read(chunk.request, chunk.lba, blocks, chunk.data());
  }
  next_block_ += blocks;
  chunk.request.context = &chunk;
  chunk.request.done = [](initiator::Request& request) {
    Chunk& self = *static_cast<Chunk*>(request.context);
    self.done = true;
    self.copy->connected_.client->wake();
  };
  if (!connected_.client->session().submit(chunk.request)) {
    chunk.request.error = -ENOTCONN;
    chunk.done = true;
  }
  return success;
}

int Copy::run(Direction direction, Ends& ends, const char* what, bool fua) {
  Progress progress(what, direction == Direction::from_disk || counted_ ? bytes() : 0, quiet_);
  std::size_t oldest = 0, under_way = 0;
  int code = success;
  const auto more = [&] { return code == success && !input_ended_ && next_block_ < blocks_; };
  while (more() || under_way > 0) {
    while (more() && under_way < chunks_.size()) {
      Chunk& chunk = chunks_[(oldest + under_way) % chunks_.size()];
      code = start(chunk, direction, ends, fua);
      if (code == success && chunk.length > 0) ++under_way;
    }
    while (under_way > 0 && !chunks_[oldest].done) connected_.client->wait();
    while (under_way > 0 && chunks_[oldest].done) {
      Chunk& chunk = chunks_[oldest];
      oldest = (oldest + 1) % chunks_.size();
      --under_way;
      if (code != success) continue;
      if (!chunk.request.good()) {
        code = fail_request(connected_, direction == Direction::to_disk ? "WRITE" : "READ",
                            chunk.request);
      } else {
        code = ends.drain(chunk);
        progress.add(chunk.length);
      }
    }
  }
  progress.finish();
  return code;
}

}  // namespace srpd::cli
