// fuzz layers: scsi_support
// Any CDBs with any parameter lists against a unit in this process. The test devices end the run
// when a command does not complete exactly once, when the store is asked for something out of
// range, or when more moves than the initiator's buffers hold; buffers and coroutine frames must be
// back after every command.
//
// Input: a byte that chooses the store, then commands. Each is a header of 24 bytes (flags, LUN,
// task attribute, data-out length, data-in length in units of 16, CDB) and its data-out.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/check.h"
#include "support/in_process_device.h"

namespace srpd::test {
namespace {

using Input = std::span<const std::uint8_t>;
using When = MemoryStoreOptions::When;

constexpr std::size_t header_size = 24;
constexpr std::uint8_t abort_flag = 0x01;
constexpr std::uint64_t luns[] = {0, 0x0001000000000000, 0xc101000000000000, 0x4000000000000000};

InProcessOptions options_of(std::uint8_t choice) {
  InProcessOptions options;
  options.store.bytes = 1 << 16;
  options.store.mapped = (choice & 0x01) != 0;
  options.store.when = (choice & 0x02) != 0 ? When::deferred : When::inline_;
  options.store.properties.block_size = (choice & 0x04) != 0 ? 4096 : 512;
  options.store.properties.write_cache = (choice & 0x08) != 0;
  options.store.properties.can_unmap = (choice & 0x10) != 0;
  options.store.properties.max_write_zeroes_bytes = (choice & 0x20) != 0 ? 8192 : 0;
  options.arrival = static_cast<TestCommand::Arrival>(choice >> 6 & 1);
  options.buffer_bytes = runtime::BufferPool::largest;
  return options;
}

Bytes to_bytes(Input input) {
  Bytes out(input.size());
  if (!input.empty()) std::memcpy(out.data(), input.data(), input.size());
  return out;
}

// One command, aborted right after it was submitted when the flags say so.
void run_one(InProcessDevice& device, const ScsiRequest& request, bool abort) {
  if (!abort) {
    device.execute(request);
    return;
  }
  Host& host = device.host(0);
  host.command.prepare(request, host.lun);
  host.command.submit();
  const bool over = host.command.completions != 0;
  host.tasks.abort_if([](const scsi::Command&) { return true; });
  device.run_until_idle();
  CHECK(host.command.completions == 1);
  if (!over) CHECK(host.command.data_in_size == 0);
  host.command.finish();
  CHECK(device.loop().buffers().lent_bytes() == 0 && device.loop().frames().live() == 0);
}

void run(Input input) {
  if (input.empty()) return;
  InProcessDevice device{options_of(input[0])};
  input = input.subspan(1);
  while (input.size() >= header_size) {
    const Input header = input.first(header_size);
    input = input.subspan(header_size);
    const std::size_t out_length =
        std::min<std::size_t>(header[3] * 256u + header[4], input.size());
    ScsiRequest request;
    request.cdb = to_bytes(header.subspan(8, 16));
    request.data_out = to_bytes(input.first(out_length));
    request.data_in_length = (header[5] * 256u + header[6]) * 16u;
    request.attribute = static_cast<Attribute>(header[2] & 0x07);
    request.lun = luns[header[1] % std::size(luns)];
    input = input.subspan(out_length);
    run_one(device, request, (header[0] & abort_flag) != 0);
  }
}

}  // namespace
}  // namespace srpd::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  srpd::test::run({data, size});
  return 0;
}
