// The SCSI commands that libsrp and the srp tool send themselves, and what their answers say.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "initiator/client.h"

namespace srpd::initiator {

// Each fills in the CDB and clears the rest of the request but its LUN, `done` and `context`.
void prepare_test_unit_ready(Request& request);
void prepare_inquiry(Request& request, std::span<std::byte> data);
void prepare_inquiry_page(Request& request, std::uint8_t page, std::span<std::byte> data);
void prepare_report_luns(Request& request, std::span<std::byte> data);
void prepare_read_capacity(Request& request, std::span<std::byte> data);
/// READ (16), WRITE (16): repeatable.
void prepare_read(Request& request, std::uint64_t lba, std::uint32_t blocks,
                  std::span<std::byte> data);
void prepare_write(Request& request, std::uint64_t lba, std::uint32_t blocks,
                   std::span<const std::byte> data, bool fua);
/// SYNCHRONIZE CACHE (16) of everything.
void prepare_synchronize_cache(Request& request);

struct Capacity {
  std::uint64_t blocks = 0;
  std::uint32_t block_size = 0;
  std::uint8_t physical_exponent = 0;
  std::uint16_t lowest_aligned = 0;
  bool thin = false;          ///< LBPME
  bool reads_zeroes = false;  ///< LBPRZ
  bool protection = false;

  std::uint64_t bytes() const { return blocks * block_size; }
};
/// READ CAPACITY (16) parameter data; nothing when it is too short or senseless.
std::optional<Capacity> parse_capacity(std::span<const std::byte> data);

/// What went wrong with a request, for people: status, sense key, additional sense, field pointer.
std::string describe_failure(const Request& request);
/// The sense data alone: "ILLEGAL REQUEST, LOGICAL BLOCK ADDRESS OUT OF RANGE (21/00)".
std::string describe_sense(std::span<const std::byte> sense);
std::string describe_status(std::uint8_t status);

// Waiting forms. The error names the LUN and the command.
Expected<std::vector<std::byte>> inquiry(Client& client, std::uint64_t lun);
Expected<std::vector<std::byte>> inquiry_page(Client& client, std::uint64_t lun, std::uint8_t page);
Expected<std::vector<std::uint64_t>> report_luns(Client& client);
Expected<Capacity> read_capacity(Client& client, std::uint64_t lun);

}  // namespace srpd::initiator
