// The disks that a target shows to this initiator, as a table: what its LUNs say about themselves.
#include "lun_table.h"

#include <fmt/core.h>

#include <algorithm>

#include "initiator/decode_inquiry.h"
#include "initiator/identity.h"
#include "initiator/lun.h"

namespace srpd::cli {
namespace {

struct Row {
  std::string url, size, product, serial, naa;
};

Row ask(Connected& connected, std::uint64_t lun) {
  initiator::Client& client = *connected.client;
  initiator::Url url = connected.url;
  url.lun = lun;
  Row row{.url = url.text(), .size = "-", .product = "-", .serial = "-", .naa = "-"};
  if (const auto data = initiator::inquiry(client, lun); data)
    if (const auto summary = initiator::summarize_inquiry(*data); summary)
      row.product = summary->vendor + " " + summary->product;
  if (const auto capacity = initiator::read_capacity(client, lun); capacity)
    row.size = size_text(capacity->bytes());
  if (const auto page = initiator::inquiry_page(client, lun, 0x80); page)
    row.serial = initiator::unit_serial(*page);
  if (const auto page = initiator::inquiry_page(client, lun, 0x83); page)
    row.naa = initiator::naa_of(*page);
  return row;
}

void print_table(const std::vector<Row>& rows) {
  Row widths{.url = "URL", .size = "SIZE", .product = "PRODUCT", .serial = "SERIAL", .naa = "NAA"};
  const auto widen = [](std::string& width, const std::string& text) {
    width.resize(std::max(width.size(), text.size()), ' ');
  };
  for (const Row& row : rows) {
    widen(widths.url, row.url);
    widen(widths.size, row.size);
    widen(widths.product, row.product);
    widen(widths.serial, row.serial);
  }
  const auto print = [&](const Row& row) {
    fmt::print("{:<{}}  {:>{}}  {:<{}}  {:<{}}  {}\n", row.url, widths.url.size(), row.size,
               widths.size.size(), row.product, widths.product.size(), row.serial,
               widths.serial.size(), row.naa);
  };
  print(widths);
  for (const Row& row : rows) print(row);
}

}  // namespace

int print_lun_table(const Common& common, const std::string& url) {
  auto connected = connect(common, url, {.needs_lun = false});
  if (!connected) return fail(connected.error());
  const auto luns = initiator::report_luns(*connected->client);
  if (!luns) return fail(luns.error(), scsi_error);
  std::vector<Row> rows;
  for (const std::uint64_t lun : *luns) rows.push_back(ask(*connected, lun));
  if (rows.empty())
    fmt::print("No LUN for this initiator; {}\n",
               initiator::allow_hint(connected->client->session().options().initiator));
  else
    print_table(rows);
  return success;
}

}  // namespace srpd::cli
