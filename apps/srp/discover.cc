// srp discover HOST[:PORT]: what a daemon shows to this initiator. SRP over TCP has no discovery
// protocol, so this logs in to the default target and asks every LUN who it is.
#include <fmt/core.h>

#include "command.h"
#include "initiator/decode_inquiry.h"
#include "initiator/identity.h"
#include "initiator/lun.h"

namespace srpd::cli {
namespace {

struct Row {
  std::string url, size, product, serial, naa;
  std::string target;  ///< its name; not shown
};

Row ask(Connected& connected, std::uint64_t lun) {
  initiator::Client& client = *connected.client;
  initiator::Url url = connected.url;
  url.lun = lun;
  Row row{.url = url.text(), .size = "-", .product = "-", .serial = "-", .naa = "-", .target = {}};
  if (const auto data = initiator::inquiry(client, lun); data)
    if (const auto summary = initiator::summarize_inquiry(*data); summary)
      row.product = summary->vendor + " " + summary->product;
  if (const auto capacity = initiator::read_capacity(client, lun); capacity)
    row.size = size_text(capacity->bytes());
  if (const auto page = initiator::inquiry_page(client, lun, 0x80); page)
    row.serial = initiator::unit_serial(*page);
  if (const auto page = initiator::inquiry_page(client, lun, 0x83); page) {
    row.naa = initiator::naa_of(*page);
    row.target = initiator::target_name_of(*page);
  }
  return row;
}

void print_table(const std::vector<Row>& rows) {
  Row widths{.url = "URL",
             .size = "SIZE",
             .product = "PRODUCT",
             .serial = "SERIAL",
             .naa = "NAA",
             .target = {}};
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

// For hosts with the kernel's initiator. The target's own name is its identifier; without one, what
// was logged in with, which is zeros where it takes any.
void print_add_target(const Connected& connected, const std::vector<Row>& rows) {
  auto id = connected.url.target.value_or(srp::PortId{});
  if (!rows.empty()) id = initiator::parse_port_id(rows.front().target).value_or(id);
  const std::string digits = initiator::text_of(id);
  fmt::print("\nadd_target: id_ext={},ioc_guid={},dest={}\n", digits.substr(0, 16),
             digits.substr(16), connected.client->session().options().address.text());
}

}  // namespace

Action add_discover(CLI::App& app, const Common& common) {
  auto host = std::make_shared<std::string>();
  app.add_option("HOST", *host, "HOST[:PORT], or a URL")->required();
  app.footer(
      "Logs in to the target that HOST offers by default and lists the LUNs it shows to this\n"
      "initiator. SRP on TCP networks has no way to list targets without a login; other targets "
      "of\n"
      "the same daemon are reached by srp://HOST/TARGET/LUN with their identifier. The add_target\n"
      "line is for hosts with the kernel's ib_srp.");
  return [host, &common]() -> int {
    const bool url = host->starts_with("srp://");
    auto connected = connect(common, url ? *host : "srp://" + *host, {.needs_lun = false});
    if (!connected) return fail(connected.error());
    const auto luns = initiator::report_luns(*connected->client);
    if (!luns) return fail(luns.error(), scsi_error);
    std::vector<Row> rows;
    for (const std::uint64_t lun : *luns) rows.push_back(ask(*connected, lun));
    if (rows.empty()) {
      fmt::print("No LUN for this initiator; {}\n",
                 initiator::allow_hint(connected->client->session().options().initiator));
    } else {
      print_table(rows);
    }
    print_add_target(*connected, rows);
    return success;
  };
}

}  // namespace srpd::cli
