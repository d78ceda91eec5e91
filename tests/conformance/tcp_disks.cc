// The ways over TCP. What differs between them is what SRP and iWARP leave open: how data are
// described and carried, and what the ends run on.
#include "tcp_disks.h"

namespace srpd::test {
namespace {

using initiator::Descriptors;

TcpOptions on(std::string type, std::uint32_t block_size = 512) {
  TcpOptions options;
  options.store.type = std::move(type);
  options.store.size = std::uint64_t{4} << 20;
  options.store.block_size = block_size;
  return options;
}

TcpOptions with_crc(TcpOptions options) {
  options.iwarp.crc = true;
  return options;
}

TcpOptions without_immediate_data(TcpOptions options) {
  options.session.immediate_data = false;
  return options;
}

// Segments of an odd size, so that they begin in the midst of blocks, and large enough for the
// largest transfer of a test.
TcpOptions with_tables(TcpOptions options, Descriptors descriptors, std::uint32_t in_iu = 0) {
  options.session.immediate_data = false;
  options.session.descriptors = descriptors;
  options.session.descriptors_in_iu = in_iu;
  const bool whole = descriptors == Descriptors::indirect;
  options.session.segment_bytes = whole ? 13'001 : 1'733;
  options.session.max_segments = whole ? 255 : 2'000;
  return options;
}

TcpOptions with_channels(TcpOptions options) {
  options.session.channels = 3;
  options.target_loops = 2;
  return options;
}

TcpOptions on_epoll(TcpOptions options) {
  options.loop.backend = runtime::LoopOptions::Backend::epoll;
  return options;
}

}  // namespace

std::vector<TcpKind> every_tcp_disk() {
  return {{"tcp_ramdisk", on("ramdisk")},
          {"tcp_ramdisk_4k_crc", with_crc(on("ramdisk", 4096))},
          {"tcp_ramdisk_indirect", with_tables(on("ramdisk"), Descriptors::indirect)},
          {"tcp_ramdisk_channels", with_channels(on("ramdisk"))},
          {"tcp_fileio", on("fileio")},
          {"tcp_fileio_fetched", without_immediate_data(on("fileio"))},
          {"tcp_fileio_external", with_tables(on("fileio"), Descriptors::external)},
          {"tcp_fileio_4k_partial", with_tables(on("fileio", 4096), Descriptors::external, 3)},
          {"tcp_fileio_epoll", on_epoll(on("fileio"))}};
}

}  // namespace srpd::test
