// srp capacity URL: READ CAPACITY (16).
#include <fmt/core.h>

#include "command.h"

namespace srpd::cli {

Action add_capacity(CLI::App& app, const Common& common) {
  auto url = std::make_shared<std::string>();
  auto bytes_only = std::make_shared<bool>(false);
  app.add_option("URL", *url, "The disk")->required();
  app.add_flag("--bytes", *bytes_only, "Print the number of bytes only");
  return [url, bytes_only, &common] {
    auto connected = connect(common, *url);
    if (!connected) return fail(connected.error());
    const auto capacity = initiator::read_capacity(*connected->client, *connected->url.lun);
    if (!capacity) return fail_lun(*connected, capacity.error());
    if (*bytes_only) {
      fmt::print("{}\n", capacity->bytes());
      return int{success};
    }
    fmt::print("{}: {} ({} blocks of {} bytes, physical {}){}{}\n", connected->url.text(),
               size_text(capacity->bytes()), capacity->blocks, capacity->block_size,
               std::uint64_t{capacity->block_size} << capacity->physical_exponent,
               capacity->thin ? ", thin" : "", capacity->protection ? ", with protection" : "");
    return int{success};
  };
}

}  // namespace srpd::cli
