// What the tree says about a device, and what an opened one says about itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace srpd::lio {

enum class Plugin : std::uint8_t { rd_mcp, fileio, iblock, pscsi, user };

/// What came through `control` and `udev_path`; see lio/plugin.h for the keys.
struct DeviceSpec {
  Plugin plugin = Plugin::rd_mcp;
  std::string hba;   ///< its directory: "rd_mcp_0"
  std::string name;  ///< the device's directory

  // rd_mcp, in pages of 4096 bytes
  std::optional<std::uint32_t> rd_pages;
  bool rd_nullio = false;
  bool rd_dummy = false;

  // fileio: fd_dev_name, iblock: udev_path of control
  std::optional<std::string> path;
  std::optional<std::uint64_t> size;  ///< fd_dev_size, dev_size: bytes
  bool buffered = false;              ///< fd_buffered_io
  bool async = false;                 ///< fd_async_io
  bool read_only = false;             ///< iblock
  bool exclusive = true;              ///< iblock

  // pscsi
  std::optional<std::int32_t> scsi_host, scsi_channel, scsi_target, scsi_lun;
  std::string udev_path;  ///< the attribute: what pscsi opens a disk by

  // user: "HANDLER/..."
  std::optional<std::string> config;
  std::uint32_t hw_block_size = 512;
  std::uint32_t hw_max_sectors = 128;
  std::int32_t nl_reply_supported = 0;
  std::uint32_t max_data_area_mb = 1024;
  std::uint32_t data_pages_per_block = 1;
  std::uint32_t cmd_ring_size_mb = 8;
};

/// Of an open device. The numbers become the attributes of the same name.
struct DeviceProperties {
  /// The device is not there yet: the rest is what is assumed until it has come.
  bool waiting = false;
  std::uint64_t size = 0;  ///< bytes
  std::uint32_t hw_block_size = 512;
  std::uint32_t hw_max_sectors = 0;
  /// Where not 0, hw_max_sectors follows block_size so that this stays the limit.
  std::uint32_t max_bytes_per_io = 0;
  std::uint32_t hw_queue_depth = 128;
  std::uint8_t device_type = 0;  ///< SPC peripheral device type
  bool read_only = false;
  bool rotational = true;
  bool write_cache = false;
  bool can_unmap = false;
  std::uint32_t max_unmap_lba_count = 0;
  std::uint32_t max_unmap_block_desc_count = 0;
  std::uint32_t unmap_granularity = 0;
  std::uint32_t unmap_granularity_alignment = 0;
  std::uint32_t max_write_same_len = 0;

  // iblock
  std::string disk;  ///< "sda"
  std::uint32_t major = 0;
  std::uint32_t minor = 0;

  // pscsi: what INQUIRY of the device says. The identifiers are the text of the wwn/vpd_
  // attributes.
  std::string vendor, product, revision;
  std::string serial;  ///< empty: it has none, and one can be set
  std::string vpd_logical_unit, vpd_target_device, vpd_target_port, vpd_protocol;
};

/// As LIO's plugin says of a device that has nothing special about it.
DeviceProperties default_properties(const DeviceSpec& spec);

/// INQUIRY and VPD data of a unit.
struct Identity {
  std::string vendor, product, revision, serial;
  std::uint32_t company_id = 0x001405;
};

/// The numbers of `attrib/`, by their names there.
struct DeviceAttributes {
  std::uint32_t alua_support = 1;
  std::uint32_t block_size = 0;
  std::uint32_t emulate_3pc = 1;
  std::uint32_t emulate_caw = 1;
  std::uint32_t emulate_fua_write = 1;
  std::uint32_t emulate_model_alias = 0;
  std::uint32_t emulate_pr = 1;
  std::uint32_t emulate_rest_reord = 0;
  std::uint32_t emulate_rsoc = 1;
  std::uint32_t emulate_tas = 1;
  std::uint32_t emulate_tpu = 0;
  std::uint32_t emulate_tpws = 0;
  std::uint32_t emulate_ua_intlck_ctrl = 0;
  std::uint32_t emulate_write_cache = 0;
  std::uint32_t enforce_pr_isids = 1;
  std::uint32_t force_pr_aptpl = 0;
  std::uint32_t hw_block_size = 0;
  std::uint32_t hw_max_sectors = 0;
  std::uint32_t hw_pi_prot_type = 0;
  std::uint32_t hw_queue_depth = 0;
  std::uint32_t is_nonrot = 0;
  std::uint32_t max_unmap_block_desc_count = 0;
  std::uint32_t max_unmap_lba_count = 0;
  std::uint32_t max_write_same_len = 0;
  std::uint32_t optimal_sectors = 0;
  std::uint32_t pgr_support = 1;
  std::uint32_t pi_prot_type = 0;
  std::uint32_t pi_prot_verify = 0;
  std::uint32_t queue_depth = 0;
  std::uint32_t submit_type = 0;
  std::uint32_t unmap_granularity = 0;
  std::uint32_t unmap_granularity_alignment = 0;
  std::uint32_t unmap_zeroes_data = 0;
  // user
  std::uint32_t cmd_time_out_ms = 30000;
  std::int32_t qfull_time_out = -1;  ///< milliseconds; -1: for ever
  std::int32_t nl_reply_supported = 0;
  std::uint32_t tmr_notification = 0;
};

}  // namespace srpd::lio
