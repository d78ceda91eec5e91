// srp ping URL: how long a command without data takes.
#include <fmt/core.h>

#include <thread>

#include "command.h"
#include "latency.h"

namespace srpd::cli {
namespace {

struct Options {
  std::string url;
  std::uint32_t count = 10;
  double interval_s = 0.1;
  bool quiet = false;
};

int run(Connected& connected, const Options& options) {
  using Clock = std::chrono::steady_clock;
  Latency latency;
  initiator::Request request;
  request.lun = connected.url.lun.value_or(0);
  // The first one takes the unit attention that follows a login.
  initiator::prepare_test_unit_ready(request);
  connected.client->execute(request);
  for (std::uint32_t i = 0; i < options.count; ++i) {
    if (i > 0) std::this_thread::sleep_for(std::chrono::duration<double>(options.interval_s));
    initiator::prepare_test_unit_ready(request);
    const auto begin = Clock::now();
    connected.client->execute(request);
    const auto took = Clock::now() - begin;
    if (!request.good()) return fail_request(connected, "TEST UNIT READY", request);
    latency.record(took);
    if (!options.quiet)
      fmt::print("{}: {:.1f} us\n", connected.url.text(),
                 std::chrono::duration<double, std::micro>(took).count());
  }
  fmt::print("{} answered; min {:.1f} us, median {:.1f} us, p99 {:.1f} us, max {:.1f} us\n",
             latency.count(), latency.min_us(), latency.percentile_us(0.5),
             latency.percentile_us(0.99), latency.max_us());
  return success;
}

}  // namespace

Action add_ping(CLI::App& app, const Common& common) {
  auto options = std::make_shared<Options>();
  app.add_option("URL", options->url, "The disk")->required();
  app.add_option("-c,--count", options->count, "How many")->capture_default_str();
  app.add_option("-i,--interval", options->interval_s, "Seconds between them")
      ->capture_default_str();
  app.add_flag("-q,--quiet", options->quiet, "Only the summary");
  return [options, &common]() -> int {
    auto connected = connect(common, options->url);
    if (!connected) return fail(connected.error());
    return run(*connected, *options);
  };
}

}  // namespace srpd::cli
