// srpctl metrics: what srpd --metrics answers to Prometheus.
#include <fmt/core.h>

#include "command.h"

namespace srpd::ctl {

Action add_metrics(CLI::App&, const Common& common) {
  return [&common] {
    return show_call(common, "metrics", rpc::Json::object(), [](const rpc::Json& result) {
      fmt::print("{}", result["text"].get<std::string>());
      return static_cast<int>(success);
    });
  };
}

}  // namespace srpd::ctl
