// Status and sense data in words (SAM-5 5.3, SPC-5 4.4): the codes that disks and this project's
// target return; others are shown as numbers.
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "initiator/commands.h"

namespace srpd::initiator {
namespace {

constexpr const char* sense_keys[16] = {
    "NO SENSE",       "RECOVERED ERROR", "NOT READY",      "MEDIUM ERROR",
    "HARDWARE ERROR", "ILLEGAL REQUEST", "UNIT ATTENTION", "DATA PROTECT",
    "BLANK CHECK",    "VENDOR SPECIFIC", "COPY ABORTED",   "ABORTED COMMAND",
    "sense key Ch",   "VOLUME OVERFLOW", "MISCOMPARE",     "COMPLETED"};

struct Code {
  std::uint16_t asc_ascq;
  const char* text;
};

constexpr Code codes[] = {
    {0x0401, "LOGICAL UNIT IS IN PROCESS OF BECOMING READY"},
    {0x0402, "LOGICAL UNIT NOT READY, INITIALIZING COMMAND REQUIRED"},
    {0x0403, "LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED"},
    {0x0500, "LOGICAL UNIT DOES NOT RESPOND TO SELECTION"},
    {0x0c00, "WRITE ERROR"},
    {0x0d05, "COPY TARGET DEVICE DATA OVERRUN"},
    {0x0e03, "INVALID FIELD IN COMMAND INFORMATION UNIT"},
    {0x1001, "LOGICAL BLOCK GUARD CHECK FAILED"},
    {0x1002, "LOGICAL BLOCK APPLICATION TAG CHECK FAILED"},
    {0x1003, "LOGICAL BLOCK REFERENCE TAG CHECK FAILED"},
    {0x1100, "UNRECOVERED READ ERROR"},
    {0x1a00, "PARAMETER LIST LENGTH ERROR"},
    {0x1d00, "MISCOMPARE DURING VERIFY OPERATION"},
    {0x2000, "INVALID COMMAND OPERATION CODE"},
    {0x2100, "LOGICAL BLOCK ADDRESS OUT OF RANGE"},
    {0x2400, "INVALID FIELD IN CDB"},
    {0x2500, "LOGICAL UNIT NOT SUPPORTED"},
    {0x2600, "INVALID FIELD IN PARAMETER LIST"},
    {0x2700, "WRITE PROTECTED"},
    {0x2707, "SPACE ALLOCATION FAILED WRITE PROTECT"},
    {0x2900, "POWER ON, RESET, OR BUS DEVICE RESET OCCURRED"},
    {0x2903, "BUS DEVICE RESET FUNCTION OCCURRED"},
    {0x2907, "I_T NEXUS LOSS OCCURRED"},
    {0x2a01, "MODE PARAMETERS CHANGED"},
    {0x2a09, "CAPACITY DATA HAS CHANGED"},
    {0x2f00, "COMMANDS CLEARED BY ANOTHER INITIATOR"},
    {0x3100, "MEDIUM FORMAT CORRUPTED"},
    {0x3a00, "MEDIUM NOT PRESENT"},
    {0x3e00, "LOGICAL UNIT HAS NOT SELF-CONFIGURED YET"},
    {0x3f0e, "REPORTED LUNS DATA HAS CHANGED"},
    {0x4400, "INTERNAL TARGET FAILURE"},
    {0x4b00, "DATA PHASE ERROR"},
    {0x5500, "SYSTEM RESOURCE FAILURE"},
};

struct Parsed {
  unsigned key = 0;
  unsigned asc = 0;
  unsigned ascq = 0;
  std::optional<std::uint64_t> information;
  std::optional<unsigned> field;  ///< byte
  bool field_in_cdb = true;
};

unsigned byte_at(std::span<const std::byte> sense, std::size_t index) {
  return index < sense.size() ? std::to_integer<unsigned>(sense[index]) : 0;
}

std::uint64_t number_at(std::span<const std::byte> sense, std::size_t index, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | byte_at(sense, index + i);
  return value;
}

void take_key_specific(Parsed& parsed, std::span<const std::byte> sense, std::size_t at) {
  if (parsed.key != 5 || (byte_at(sense, at) & 0x80) == 0) return;
  parsed.field_in_cdb = (byte_at(sense, at) & 0x40) != 0;
  parsed.field = static_cast<unsigned>(number_at(sense, at + 1, 2));
}

void parse_descriptors(Parsed& parsed, std::span<const std::byte> sense) {
  const std::size_t end = std::min<std::size_t>(sense.size(), 8 + byte_at(sense, 7));
  for (std::size_t at = 8; at + 2 <= end; at += 2 + byte_at(sense, at + 1)) {
    if (byte_at(sense, at) == 0x00 && (byte_at(sense, at + 2) & 0x80) != 0)
      parsed.information = number_at(sense, at + 4, 8);
    if (byte_at(sense, at) == 0x02) take_key_specific(parsed, sense, at + 4);
  }
}

std::optional<Parsed> parse(std::span<const std::byte> sense) {
  const unsigned format = byte_at(sense, 0) & 0x7f;
  Parsed parsed;
  if (format == 0x70 || format == 0x71) {
    parsed.key = byte_at(sense, 2) & 0x0f;
    parsed.asc = byte_at(sense, 12);
    parsed.ascq = byte_at(sense, 13);
    if ((byte_at(sense, 0) & 0x80) != 0) parsed.information = number_at(sense, 3, 4);
    take_key_specific(parsed, sense, 15);
  } else if (format == 0x72 || format == 0x73) {
    parsed.key = byte_at(sense, 1) & 0x0f;
    parsed.asc = byte_at(sense, 2);
    parsed.ascq = byte_at(sense, 3);
    parse_descriptors(parsed, sense);
  } else {
    return std::nullopt;
  }
  return parsed;
}

}  // namespace

std::string describe_sense(std::span<const std::byte> sense) {
  const auto parsed = parse(sense);
  if (!parsed) return "sense data of unknown format";
  std::string text = sense_keys[parsed->key];
  const unsigned code = parsed->asc << 8 | parsed->ascq;
  const auto* const known = std::find_if(std::begin(codes), std::end(codes),
                                         [&](const Code& each) { return each.asc_ascq == code; });
  if (known != std::end(codes)) text += fmt::format(", {}", known->text);
  text += fmt::format(" ({:02X}/{:02X})", parsed->asc, parsed->ascq);
  if (parsed->field)
    text += fmt::format(", {} byte {}", parsed->field_in_cdb ? "CDB" : "parameter list",
                        *parsed->field);
  if (parsed->information) text += fmt::format(", information {}", *parsed->information);
  return text;
}

std::string describe_status(std::uint8_t status) {
  switch (status) {
    case 0x00:
      return "GOOD";
    case 0x02:
      return "CHECK CONDITION";
    case 0x04:
      return "CONDITION MET";
    case 0x08:
      return "BUSY";
    case 0x18:
      return "RESERVATION CONFLICT";
    case 0x28:
      return "TASK SET FULL";
    case 0x30:
      return "ACA ACTIVE";
    case 0x40:
      return "TASK ABORTED";
    default:
      return fmt::format("status {:02X}h", status);
  }
}

std::string describe_failure(const Request& request) {
  switch (request.error) {
    case 0:
      break;
    case -ECONNRESET:
      return "the connection was lost; it may or may not have been executed";
    case -ETIMEDOUT:
      return "no answer in time";
    case -ECANCELED:
      return "aborted";
    case -ENOTCONN:
      return "not connected";
    default:
      return errno_text(-request.error);
  }
  if (request.status == status_check_condition && request.sense_length > 0)
    return describe_sense(request.sense_bytes());
  return describe_status(request.status);
}

}  // namespace srpd::initiator
