// The pipeline behind read, write and verify: chunks of the disk in order, several under way.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "command.h"

namespace srpd::cli {

struct CopyOptions {
  std::string url, file, offset = "0", count, chunk = "256k";
  std::uint32_t depth = 8;
  bool quiet = false;
  bool round_up_count = false;  ///< to whole blocks
};
/// The options that read, write and verify share.
void add_copy_options(CLI::App& app, CopyOptions& options);

class Copy {
 public:
  struct Chunk {
    initiator::Request request;
    std::vector<std::byte> buffer;
    std::uint64_t lba = 0;
    std::uint32_t length = 0;  ///< bytes, whole blocks
    bool done = false;
    Copy* copy = nullptr;

    std::span<std::byte> data() { return {buffer.data(), length}; }
  };

  /// What a command does with the chunks. An exit code ends the copy.
  class Ends {
   public:
    /// Writing: puts data into chunk.data() and shortens chunk.length at the end of the input, to
    /// zero when there is none left.
    virtual int fill(Chunk& chunk) {
      static_cast<void>(chunk);
      return success;
    }
    /// In order, after the chunk was read or written.
    virtual int drain(Chunk& chunk) = 0;

   protected:
    ~Ends() = default;
  };

  enum class Direction { from_disk, to_disk };

  /// Connects and looks at the disk; an exit code when that fails.
  int open(const Common& common, const CopyOptions& options);
  /// From Ends::drain(): nothing more is started.
  void stop() { input_ended_ = true; }
  int run(Direction direction, Ends& ends, const char* what, bool fua);

  Connected& connected() { return connected_; }
  std::uint32_t block_size() const { return capacity_.block_size; }
  std::uint64_t first_byte() const { return first_lba_ * capacity_.block_size; }
  /// Bytes to copy: what was asked for or the rest of the disk.
  std::uint64_t bytes() const { return blocks_ * capacity_.block_size; }

 private:
  int range(const CopyOptions& options);
  int start(Chunk& chunk, Direction direction, Ends& ends, bool fua);

  Connected connected_;
  initiator::Capacity capacity_;
  std::uint64_t first_lba_ = 0;
  std::uint64_t blocks_ = 0;
  bool counted_ = false;          ///< --count was given
  std::uint64_t next_block_ = 0;  ///< relative to the first
  bool input_ended_ = false;
  std::uint32_t chunk_bytes_ = 0;
  std::deque<Chunk> chunks_;
  bool quiet_ = false;
};

}  // namespace srpd::cli
