#include "scsi/errno_to_sense.h"

#include <cerrno>

#include "base/check.h"
#include "scsi/sense.h"

namespace srpd::scsi {
namespace {

// 11/00 UNRECOVERED READ ERROR, 0C/00 WRITE ERROR: SBC-4 4.18.
Result medium_error(store::Operation::Kind kind, std::optional<std::uint64_t> lba) {
  const bool read = kind == store::Operation::Kind::read;
  return sense::check_condition(SenseKey::medium_error, read ? 0x1100 : 0x0c00, lba);
}

// 10/01 LOGICAL BLOCK GUARD CHECK FAILED, 10/02 APPLICATION TAG, 10/03 REFERENCE TAG: SBC-3 4.22.2.
Result check_failed(std::uint16_t what, std::optional<std::uint64_t> lba) {
  return sense::check_condition(SenseKey::aborted_command, 0x1000 | what, lba);
}

}  // namespace

Result result_from(int error, store::Operation::Kind kind, std::optional<std::uint64_t> lba) {
  CHECK(error < 0);
  switch (-error) {
    case EIO:
    case ENODATA:  // the block layer's name for a medium error
      return medium_error(kind, lba);
    case EILSEQ:
      return check_failed(1, lba);
    case EBADR:
      return check_failed(2, lba);
    case EBADSLT:
      return check_failed(3, lba);
    case ENOSPC:
    case EDQUOT:
      return sense::check_condition(SenseKey::data_protect, 0x2707);  // SPACE ALLOCATION FAILED
    case EROFS:
    case EPERM:
    case EACCES:
      return sense::write_protected();
    case ENODEV:
    case ENXIO:
    case ENOMEDIUM:
    case ESTALE:
      // LOGICAL UNIT NOT READY, OFFLINE: hosts do not retry, multipath takes another path.
      return sense::check_condition(SenseKey::not_ready, 0x0412);
    case ETIMEDOUT:
      return sense::check_condition(SenseKey::aborted_command,
                                    0x2e02);  // TIMEOUT DURING PROCESSING
    case EBADE:  // the block layer's name for a reservation that somebody else holds below
      return Result{Status::reservation_conflict, {}};
    case ECANCELED:
      return sense::check_condition(SenseKey::aborted_command, 0x0000);
    case EAGAIN:
    case EBUSY:
    case ENOMEM:
      return Result{Status::busy, {}};
    default:
      return sense::check_condition(SenseKey::hardware_error, 0x4400);  // INTERNAL TARGET FAILURE
  }
}

Result result_from_transfer(int error) {
  CHECK(error < 0);
  // DATA PHASE ERROR; the host retries. When the connection ended nobody will read it.
  return sense::check_condition(SenseKey::aborted_command, 0x4b00);
}

}  // namespace srpd::scsi
