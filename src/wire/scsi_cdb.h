// Command descriptor blocks as they stand on the wire: the shapes that SPC-5 4.2.2 calls 6-, 10-,
// 12- and 16-byte CDB, and those of commands that do not follow them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"

namespace srpd::wire {

/// READ(6), WRITE(6): SBC-4 5.16. The LBA has 21 bits; a length of 0 means 256 blocks.
struct Cdb6 {
  std::uint8_t opcode;
  be24 lba;  ///< three reserved bits on top
  std::uint8_t length;
  std::uint8_t control;
};
static_assert(sizeof(Cdb6) == 6 && Layout<Cdb6>);
inline constexpr std::uint32_t cdb6_lba_mask = 0x1fffff;

/// INQUIRY, MODE SENSE(6), REQUEST SENSE and others without an LBA.
struct ParameterCdb6 {
  std::uint8_t opcode;
  std::uint8_t flags;
  std::uint8_t page;
  std::uint8_t subpage;
  std::uint8_t length;
  std::uint8_t control;
};
static_assert(sizeof(ParameterCdb6) == 6 && Layout<ParameterCdb6>);

/// INQUIRY, SPC-5 6.7; SEND DIAGNOSTIC (6.42) has the same shape.
struct InquiryCdb {
  std::uint8_t opcode;
  std::uint8_t flags;
  std::uint8_t page;
  be16 length;
  std::uint8_t control;
};
static_assert(sizeof(InquiryCdb) == 6 && Layout<InquiryCdb>);

/// READ(10), WRITE(10), VERIFY(10), WRITE SAME(10), SYNCHRONIZE CACHE(10), UNMAP, READ
/// CAPACITY(10).
struct Cdb10 {
  std::uint8_t opcode;
  std::uint8_t flags;
  be32 lba;
  std::uint8_t group;
  be16 length;
  std::uint8_t control;
};
static_assert(sizeof(Cdb10) == 10 && offsetof(Cdb10, length) == 7 && Layout<Cdb10>);

/// MODE SENSE(10), SPC-5 6.15.
struct ModeSense10Cdb {
  std::uint8_t opcode;
  std::uint8_t flags;
  std::uint8_t page;
  std::uint8_t subpage;
  std::uint8_t reserved[3];
  be16 length;
  std::uint8_t control;
};
static_assert(sizeof(ModeSense10Cdb) == 10 && Layout<ModeSense10Cdb>);

/// READ(12), WRITE(12), VERIFY(12).
struct Cdb12 {
  std::uint8_t opcode;
  std::uint8_t flags;
  be32 lba;
  be32 length;
  std::uint8_t group;
  std::uint8_t control;
};
static_assert(sizeof(Cdb12) == 12 && Layout<Cdb12>);

/// REPORT LUNS, SPC-5 6.33.
struct ReportLunsCdb {
  std::uint8_t opcode;
  std::uint8_t reserved1;
  std::uint8_t select_report;
  std::uint8_t reserved3[3];
  be32 length;
  std::uint8_t reserved10;
  std::uint8_t control;
};
static_assert(sizeof(ReportLunsCdb) == 12 && Layout<ReportLunsCdb>);

/// REPORT TARGET PORT GROUPS, SET TARGET PORT GROUPS: SPC-4 6.37, 6.45.
struct TargetPortGroupsCdb {
  static constexpr std::uint8_t service_action_mask = 0x1f;
  static constexpr unsigned format_shift = 5;  ///< PARAMETER DATA FORMAT
  std::uint8_t opcode;
  std::uint8_t service_action;
  std::uint8_t reserved2[4];
  be32 length;
  std::uint8_t reserved10;
  std::uint8_t control;
};
static_assert(sizeof(TargetPortGroupsCdb) == 12 && Layout<TargetPortGroupsCdb>);

/// REPORT SUPPORTED OPERATION CODES, SPC-5 6.34.
struct ReportOperationCodesCdb {
  std::uint8_t opcode;
  std::uint8_t service_action;
  std::uint8_t options;
  std::uint8_t requested_opcode;
  be16 requested_service_action;
  be32 length;
  std::uint8_t reserved10;
  std::uint8_t control;
};
static_assert(sizeof(ReportOperationCodesCdb) == 12 && Layout<ReportOperationCodesCdb>);

/// READ(16), WRITE(16), VERIFY(16), WRITE SAME(16), SYNCHRONIZE CACHE(16), READ CAPACITY(16).
struct Cdb16 {
  std::uint8_t opcode;
  std::uint8_t flags;
  be64 lba;
  be32 length;
  std::uint8_t group;
  std::uint8_t control;
};
static_assert(sizeof(Cdb16) == 16 && offsetof(Cdb16, length) == 10 && Layout<Cdb16>);

// Bits of byte 1 (SBC-4): READ, WRITE.
inline constexpr std::uint8_t cdb_dpo = 0x10;
inline constexpr std::uint8_t cdb_fua = 0x08;
// VERIFY: two bits, values 0, 1 and 3.
inline constexpr std::uint8_t verify_bytchk_mask = 0x06;
inline constexpr unsigned verify_bytchk_shift = 1;
// WRITE SAME, UNMAP.
inline constexpr std::uint8_t write_same_anchor = 0x10;
inline constexpr std::uint8_t write_same_unmap = 0x08;
inline constexpr std::uint8_t write_same_ndob = 0x01;
inline constexpr std::uint8_t unmap_anchor = 0x01;
// INQUIRY.
inline constexpr std::uint8_t inquiry_evpd = 0x01;
// REQUEST SENSE.
inline constexpr std::uint8_t request_sense_desc = 0x01;
// MODE SENSE.
inline constexpr std::uint8_t mode_sense_llbaa = 0x10;
inline constexpr std::uint8_t mode_sense_dbd = 0x08;
inline constexpr std::uint8_t mode_sense_page_mask = 0x3f;
inline constexpr unsigned mode_sense_control_shift = 6;
// START STOP UNIT, byte 4.
inline constexpr std::uint8_t start_stop_no_flush = 0x04;
inline constexpr std::uint8_t start_stop_loej = 0x02;
inline constexpr std::uint8_t start_stop_start = 0x01;
// SEND DIAGNOSTIC.
inline constexpr std::uint8_t send_diagnostic_selftest = 0x04;
// REPORT SUPPORTED OPERATION CODES.
inline constexpr std::uint8_t report_opcodes_rctd = 0x80;
inline constexpr std::uint8_t report_opcodes_options_mask = 0x07;

}  // namespace srpd::wire
