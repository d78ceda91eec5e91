// srp luns URL: REPORT LUNS.
#include <fmt/core.h>

#include "command.h"

namespace srpd::cli {

Action add_luns(CLI::App& app, const Common& common) {
  auto url = std::make_shared<std::string>();
  app.add_option("URL", *url, "srp://HOST[:PORT][/TARGET/]")->required();
  return [url, &common] {
    auto connected = connect(common, *url, {.needs_lun = false});
    if (!connected) return fail(connected.error());
    const auto luns = initiator::report_luns(*connected->client);
    if (!luns) return fail(luns.error(), scsi_error);
    for (const std::uint64_t lun : *luns) {
      initiator::Url there = connected->url;
      there.lun = lun;
      fmt::print("{}\n", there.text());
    }
    return int{success};
  };
}

}  // namespace srpd::cli
