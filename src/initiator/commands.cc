#include "initiator/commands.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "initiator/lun.h"
#include "wire/endian.h"

namespace srpd::initiator {
namespace {

using wire::be16;
using wire::be32;
using wire::be64;

// Unit attentions after login: power on, and what else happened meanwhile.
constexpr std::uint8_t retries = 8;

void begin(Request& request, std::initializer_list<unsigned> cdb) {
  request.cdb.fill(std::byte{0});
  std::transform(cdb.begin(), cdb.end(), request.cdb.begin(),
                 [](unsigned value) { return static_cast<std::byte>(value); });
  request.cdb_length = 16;
  request.attribute = TaskAttribute::simple;
  request.data_out = {};
  request.data_in = {};
  request.repeatable = true;
  request.transient_retries = retries;
}

template <class T>
void put(Request& request, std::size_t offset, T value) {
  const wire::Be<T> wire_value = value;
  std::memcpy(request.cdb.data() + offset, &wire_value, sizeof wire_value);
}

template <class T>
T get(std::span<const std::byte> data, std::size_t offset) {
  wire::Be<T> value;
  std::memcpy(&value, data.data() + offset, sizeof value);
  return value;
}

tl::unexpected<Error> command_failed(std::uint64_t lun, const char* command,
                                     const Request& request) {
  const auto number = number_of_lun(lun);
  return failure(number ? fmt::format("LUN {}", *number) : fmt::format("LUN 0x{:016x}", lun),
                 fmt::format("{}: {}", command, describe_failure(request)));
}

Expected<std::vector<std::byte>> run_with_data(Client& client, Request& request,
                                               std::vector<std::byte> data, const char* command) {
  client.execute(request);
  if (!request.good()) return command_failed(request.lun, command, request);
  data.resize(std::min(data.size(), request.received()));
  return data;
}

}  // namespace

void prepare_test_unit_ready(Request& request) { begin(request, {0x00}); }

void prepare_inquiry(Request& request, std::span<std::byte> data) {
  begin(request, {0x12});
  put(request, 3, static_cast<std::uint16_t>(data.size()));
  request.data_in = data;
}

void prepare_inquiry_page(Request& request, std::uint8_t page, std::span<std::byte> data) {
  begin(request, {0x12, 0x01, page});
  put(request, 3, static_cast<std::uint16_t>(data.size()));
  request.data_in = data;
}

void prepare_report_luns(Request& request, std::span<std::byte> data) {
  begin(request, {0xa0});
  put(request, 6, static_cast<std::uint32_t>(data.size()));
  request.data_in = data;
}

void prepare_read_capacity(Request& request, std::span<std::byte> data) {
  begin(request, {0x9e, 0x10});
  put(request, 10, static_cast<std::uint32_t>(data.size()));
  request.data_in = data;
}

void prepare_read(Request& request, std::uint64_t lba, std::uint32_t blocks,
                  std::span<std::byte> data) {
  begin(request, {0x88});
  put(request, 2, lba);
  put(request, 10, blocks);
  request.data_in = data;
}

void prepare_write(Request& request, std::uint64_t lba, std::uint32_t blocks,
                   std::span<const std::byte> data, bool fua) {
  begin(request, {0x8a, fua ? 0x08u : 0u});
  put(request, 2, lba);
  put(request, 10, blocks);
  request.data_out = data;
}

void prepare_synchronize_cache(Request& request) { begin(request, {0x91}); }

// SBC-4 5.20.2.
std::optional<Capacity> parse_capacity(std::span<const std::byte> data) {
  if (data.size() < 12) return std::nullopt;
  Capacity capacity;
  capacity.blocks = get<std::uint64_t>(data, 0) + 1;
  capacity.block_size = get<std::uint32_t>(data, 8);
  if (capacity.block_size == 0 || capacity.blocks == 0 ||
      capacity.blocks > UINT64_MAX / capacity.block_size)
    return std::nullopt;
  if (data.size() >= 16) {
    capacity.protection = (std::to_integer<unsigned>(data[12]) & 1) != 0;
    capacity.physical_exponent = std::to_integer<std::uint8_t>(data[13]) & 0x0f;
    const auto flags = get<std::uint16_t>(data, 14);
    capacity.thin = (flags & 0x8000) != 0;
    capacity.reads_zeroes = (flags & 0x4000) != 0;
    capacity.lowest_aligned = flags & 0x3fff;
  }
  return capacity;
}

Expected<std::vector<std::byte>> inquiry(Client& client, std::uint64_t lun) {
  Request request;
  request.lun = lun;
  std::vector<std::byte> data(96);
  prepare_inquiry(request, data);
  return run_with_data(client, request, std::move(data), "INQUIRY");
}

Expected<std::vector<std::byte>> inquiry_page(Client& client, std::uint64_t lun,
                                              std::uint8_t page) {
  Request request;
  request.lun = lun;
  std::vector<std::byte> data(4096);
  prepare_inquiry_page(request, page, data);
  const std::string name = fmt::format("INQUIRY of VPD page {:02X}h", page);
  return run_with_data(client, request, std::move(data), name.c_str());
}

Expected<std::vector<std::uint64_t>> report_luns(Client& client) {
  Request request;
  // Room for every LUN that can be numbered.
  std::vector<std::byte> data(8 + 8 * (std::size_t{max_lun_number} + 1));
  prepare_report_luns(request, data);
  auto answer = run_with_data(client, request, std::move(data), "REPORT LUNS");
  if (!answer) return tl::unexpected<Error>(answer.error());
  std::vector<std::uint64_t> luns;
  if (answer->size() < 8) return luns;
  const std::size_t length =
      std::min<std::size_t>(get<std::uint32_t>(*answer, 0), answer->size() - 8);
  for (std::size_t i = 0; i + 8 <= length; i += 8)
    luns.push_back(get<std::uint64_t>(*answer, 8 + i));
  return luns;
}

Expected<Capacity> read_capacity(Client& client, std::uint64_t lun) {
  Request request;
  request.lun = lun;
  std::vector<std::byte> data(32);
  prepare_read_capacity(request, data);
  const auto answer = run_with_data(client, request, std::move(data), "READ CAPACITY (16)");
  if (!answer) return tl::unexpected<Error>(answer.error());
  const auto capacity = parse_capacity(*answer);
  if (!capacity) return failure("READ CAPACITY (16)", "the answer makes no sense");
  return *capacity;
}

}  // namespace srpd::initiator
