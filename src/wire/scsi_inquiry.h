// INQUIRY data and vital product data pages: SPC-5 6.7 and 7.7, SBC-4 6.6.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"

namespace srpd::wire {

struct StandardInquiry {
  std::uint8_t peripheral;  ///< qualifier and device type
  std::uint8_t removable;
  std::uint8_t version;
  std::uint8_t response_format;  ///< NormACA, HiSup, format
  std::uint8_t additional_length;
  std::uint8_t flags5;  ///< SCCS, TPGS, 3PC, PROTECT
  std::uint8_t flags6;
  std::uint8_t flags7;  ///< CmdQue
  char vendor[8];
  char product[16];
  char revision[4];
  std::uint8_t vendor_specific36[20];
  std::uint8_t reserved56[2];
  be16 version_descriptors[8];
  std::uint8_t reserved74[22];
};
static_assert(sizeof(StandardInquiry) == 96 &&
              offsetof(StandardInquiry, version_descriptors) == 58 && Layout<StandardInquiry>);

inline constexpr std::uint8_t peripheral_disk = 0x00;
inline constexpr std::uint8_t peripheral_well_known = 0x1e;
inline constexpr std::uint8_t peripheral_none = 0x7f;  ///< qualifier 011b, type 1Fh
inline constexpr std::uint8_t inquiry_version_spc4 = 0x06;
inline constexpr std::uint8_t inquiry_sccs = 0x80;
inline constexpr unsigned inquiry_tpgs_shift = 4;
inline constexpr std::uint8_t inquiry_cmdque = 0x02;
inline constexpr std::uint8_t inquiry_response_format = 0x02;

struct VpdHeader {
  std::uint8_t peripheral;
  std::uint8_t page;
  be16 length;  ///< of what follows
};
static_assert(sizeof(VpdHeader) == 4 && Layout<VpdHeader>);

/// Designation descriptor, SPC-5 7.7.6.1.
struct Designator {
  std::uint8_t code_set;     ///< protocol identifier in the upper half
  std::uint8_t association;  ///< PIV, association, designator type
  std::uint8_t reserved;
  std::uint8_t length;
};
static_assert(sizeof(Designator) == 4 && Layout<Designator>);

inline constexpr std::uint8_t protocol_srp = 4;  // SPC-5 table 477
inline constexpr std::uint8_t code_set_binary = 1, code_set_ascii = 2, code_set_utf8 = 3;
inline constexpr std::uint8_t designator_piv = 0x80;
inline constexpr std::uint8_t association_unit = 0x00, association_port = 0x10,
                              association_device = 0x20;
inline constexpr std::uint8_t designator_t10 = 1, designator_naa = 3, designator_relative_port = 4,
                              designator_port_group = 5, designator_unit_group = 6,
                              designator_name_string = 8;

/// Page 86h, SPC-5 7.7.7.
struct ExtendedInquiry {
  std::uint8_t checks;      ///< ACTIVATE MICROCODE, SPT, GRD_CHK, APP_CHK, REF_CHK
  std::uint8_t attributes;  ///< UASK_SUP, GROUP_SUP, PRIOR_SUP, HEADSUP, ORDSUP, SIMPSUP
  std::uint8_t caches;      ///< WU_SUP, CRD_SUP, NV_SUP, V_SUP
  std::uint8_t flags7;
  std::uint8_t flags8;
  std::uint8_t flags9;
  be16 self_test_minutes;
  std::uint8_t flags12;
  std::uint8_t max_sense_length;
  std::uint8_t reserved14[50];
};
static_assert(sizeof(ExtendedInquiry) == 0x3c && Layout<ExtendedInquiry>);

inline constexpr std::uint8_t extended_headsup = 0x04, extended_ordsup = 0x02,
                              extended_simpsup = 0x01, extended_v_sup = 0x01;

/// Page B0h, SBC-4 6.6.4.
struct BlockLimits {
  std::uint8_t flags;  ///< WSNZ
  std::uint8_t max_compare_and_write;
  be16 optimal_granularity;
  be32 max_transfer;
  be32 optimal_transfer;
  be32 max_prefetch;
  be32 max_unmap_blocks;
  be32 max_unmap_descriptors;
  be32 unmap_granularity;
  be32 unmap_alignment;  ///< UGAVALID on top
  be64 max_write_same;
  be32 max_atomic_transfer;
  be32 atomic_alignment;
  be32 atomic_granularity;
  be32 max_atomic_boundary_transfer;
  be32 max_atomic_boundary;
};
static_assert(sizeof(BlockLimits) == 0x3c && offsetof(BlockLimits, max_write_same) == 32 &&
              Layout<BlockLimits>);

inline constexpr std::uint8_t block_limits_wsnz = 0x01;
inline constexpr std::uint32_t block_limits_ugavalid = 0x80000000;

/// Page B1h, SBC-4 6.6.2.
struct BlockCharacteristics {
  be16 rotation_rate;  ///< 0 not reported, 1 non-rotating
  std::uint8_t product_type;
  std::uint8_t form_factor;
  std::uint8_t flags8;
  std::uint8_t reserved9[55];
};
static_assert(sizeof(BlockCharacteristics) == 0x3c && Layout<BlockCharacteristics>);

/// Page B2h, SBC-4 6.6.6.
struct LogicalBlockProvisioning {
  static constexpr std::uint8_t lbpu = 0x80, lbpws = 0x40, lbpws10 = 0x20, lbprz_zeroes = 0x04;
  static constexpr std::uint8_t type_full = 0, type_resource = 1, type_thin = 2;
  std::uint8_t threshold_exponent;
  std::uint8_t flags;
  std::uint8_t provisioning_type;
  std::uint8_t threshold_percentage;
};
static_assert(sizeof(LogicalBlockProvisioning) == 4 && Layout<LogicalBlockProvisioning>);

}  // namespace srpd::wire
