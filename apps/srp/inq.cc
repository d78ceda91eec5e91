// srp inq URL: standard INQUIRY data and the VPD pages, decoded.
#include <fmt/core.h>

#include <optional>

#include "command.h"
#include "initiator/decode_inquiry.h"

namespace srpd::cli {
namespace {

struct Options {
  std::string url;
  std::string page;
  bool raw = false;
};

std::optional<std::uint8_t> parse_page(std::string_view text) {
  const std::string digits(text.starts_with("0x") ? text.substr(2) : text);
  char* end = nullptr;
  const unsigned long value = std::strtoul(digits.c_str(), &end, 16);
  if (digits.empty() || *end != '\0' || value > 0xff) return std::nullopt;
  return static_cast<std::uint8_t>(value);
}

int show_page(Connected& connected, std::uint8_t page, bool raw) {
  const auto data = initiator::inquiry_page(*connected.client, *connected.url.lun, page);
  if (!data) return fail_lun(connected, data.error());
  fmt::print("{}\n{}", initiator::page_title(page),
             raw ? hex_dump(*data) : initiator::describe_page(*data));
  return success;
}

int show_everything(Connected& connected, bool raw) {
  const auto standard = initiator::inquiry(*connected.client, *connected.url.lun);
  if (!standard) return fail(standard.error(), scsi_error);
  fmt::print("{}\n{}", connected.url.text(),
             raw ? hex_dump(*standard) : initiator::describe_inquiry(*standard));
  const auto summary = initiator::summarize_inquiry(*standard);
  if (!summary) return success;
  if (!summary->connected) return fail_lun(connected, {connected.url.text(), "no disk there", ""});
  const auto list = initiator::inquiry_page(*connected.client, *connected.url.lun, 0x00);
  if (!list) return fail(list.error(), scsi_error);
  for (const std::uint8_t page : initiator::supported_pages(*list))
    if (const int code = page == 0 ? 0 : show_page(connected, page, raw); code != 0) return code;
  return success;
}

}  // namespace

Action add_inq(CLI::App& app, const Common& common) {
  auto options = std::make_shared<Options>();
  app.add_option("URL", options->url, "The disk")->required();
  app.add_option("--page", options->page, "Only this VPD page, in hexadecimal, such as 83");
  app.add_flag("--raw", options->raw, "Bytes instead of words");
  return [options, &common]() -> int {
    const auto page = parse_page(options->page);
    if (!options->page.empty() && !page)
      return fail({"page \"" + options->page + "\"", "not two hexadecimal digits", ""},
                  usage_error);
    auto connected = connect(common, options->url);
    if (!connected) return fail(connected.error());
    return page ? show_page(*connected, *page, options->raw)
                : show_everything(*connected, options->raw);
  };
}

}  // namespace srpd::cli
