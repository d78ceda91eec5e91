#include "scsi/commands/send_diagnostic.h"

#include <cstdint>

#include "scsi/block_io.h"
#include "scsi/lu.h"
#include "scsi/sense.h"
#include "wire/scsi_cdb.h"

namespace srpd::scsi {
namespace {

constexpr std::uint8_t self_test_code = 0xe0;
constexpr std::uint16_t failed_self_test = 0x3e03;

bool is_refused(const wire::InquiryCdb& cdb, Result& result) {
  if ((cdb.flags & self_test_code) != 0)
    result = sense::invalid_field_in_cdb(1, 7);
  else if (cdb.length != 0)
    result = sense::invalid_field_in_cdb(3);
  else
    return false;
  return true;
}

}  // namespace

// The self-test reads the first and the last block.
runtime::Task<Result> send_diagnostic(Command& command) {
  const auto& cdb = *wire::view<wire::InquiryCdb>(command.cdb);
  Result result;
  if (is_refused(cdb, result)) co_return result;
  const std::uint64_t blocks = command.lu->block_count();
  if ((cdb.flags & wire::send_diagnostic_selftest) == 0 || blocks == 0) co_return Result{};

  const std::uint32_t block_size = command.lu->block_size();
  BufferRequest request;
  request.start(command, block_size);
  co_await request;
  command.buffer = request.buffer;
  BlockIo io;
  for (std::uint64_t lba = 0; lba < blocks && !command.aborted; lba += blocks - 1) {
    io.start(command, store::Operation::Kind::read, lba * block_size, block_size,
             command.buffer.data);
    const int rc = co_await io;
    if (rc < 0) co_return sense::check_condition(SenseKey::hardware_error, failed_self_test);
    if (lba == blocks - 1) break;
  }
  co_return Result{};
}

}  // namespace srpd::scsi
