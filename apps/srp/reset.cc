// srp reset URL: LOGICAL UNIT RESET.
#include <fmt/core.h>

#include "command.h"

namespace srpd::cli {
namespace {

const char* text_of(srp::ResponseCode code) {
  switch (code) {
    case srp::ResponseCode::no_failure:
      return "done";
    case srp::ResponseCode::request_invalid:
      return "the target found the request invalid";
    case srp::ResponseCode::function_not_supported:
      return "the target does not support it";
    case srp::ResponseCode::function_failed:
      return "the target says it failed";
  }
  return "unknown answer";
}

}  // namespace

Action add_reset(CLI::App& app, const Common& common) {
  auto url = std::make_shared<std::string>();
  app.add_option("URL", *url, "The disk")->required();
  app.footer("Aborts the commands of every initiator on the unit and tells them so.");
  return [url, &common]() -> int {
    auto connected = connect(common, *url);
    if (!connected) return fail(connected.error());
    initiator::TaskRequest task;
    task.function = srp::TaskFunction::lun_reset;
    task.lun = *connected->url.lun;
    connected->client->execute(task);
    if (task.error != 0)
      return fail({connected->url.text(), "LUN RESET: " + errno_text(-task.error), ""},
                  no_connection);
    if (task.code != srp::ResponseCode::no_failure)
      return fail({connected->url.text(), std::string("LUN RESET: ") + text_of(task.code), ""},
                  scsi_error);
    fmt::print("{}: reset\n", connected->url.text());
    return success;
  };
}

}  // namespace srpd::cli
