// srpctl top: what each host does, again and again. Rates are two answers of `sessions` compared.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "base/latency.h"
#include "command.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

using rpc::Json;
using Clock = std::chrono::steady_clock;

struct Wanted {
  double seconds = 2;
  unsigned count = 0;  ///< 0: until it is ended
};

struct Sample {
  std::uint64_t commands = 0, read_bytes = 0, written_bytes = 0;
  Latencies latencies;

  Sample& operator+=(const Sample& other) {
    commands += other.commands;
    read_bytes += other.read_bytes;
    written_bytes += other.written_bytes;
    latencies += other.latencies;
    return *this;
  }
};

Latencies latencies_of(const Json& latency) {
  Latencies made;
  made.sum_ns = latency["sum_ns"].get<std::uint64_t>();
  for (const Json& bucket : latency["buckets"]) {
    const std::size_t at = bucket[0].is_null()
                               ? latency_buckets - 1
                               : latency_bucket(bucket[0].get<std::uint64_t>() * 1000);
    made.buckets[at] += bucket[1].get<std::uint64_t>();
  }
  return made;
}

Sample sample_of(const Json& session) {
  return {session["commands"].get<std::uint64_t>(), session["read_bytes"].get<std::uint64_t>(),
          session["written_bytes"].get<std::uint64_t>(), latencies_of(session["latency"])};
}

/// Of one initiator, all its channels together.
struct Row {
  std::string initiator;
  std::size_t channels = 0;
  std::uint64_t queue_depth = 0;
  Sample now, before;

  /// Of the commands that have ended between the two.
  Latencies latencies() const {
    Latencies made = now.latencies;
    for (std::size_t i = 0; i < latency_buckets; ++i)
      made.buckets[i] -= before.latencies.buckets[i];
    made.sum_ns -= before.latencies.sum_ns;
    return made;
  }
};

std::vector<Row> rows_of(const Json& sessions, std::map<std::uint64_t, Sample>& last) {
  std::map<std::string, Row> rows;
  std::map<std::uint64_t, Sample> seen;
  for (const Json& each : sessions) {
    const auto id = each["id"].get<std::uint64_t>();
    const Sample now = sample_of(each);
    Row& row = rows[each["initiator"].get<std::string>()];
    row.initiator = printable(each["initiator"].get<std::string>());
    ++row.channels;
    const auto found = last.find(id);
    row.queue_depth += each["queue_depth"].get<std::uint64_t>();
    row.before += found == last.end() ? now : found->second;
    row.now += now;
    seen[id] = now;
  }
  last = std::move(seen);
  std::vector<Row> out;
  for (auto& [name, row] : rows) out.push_back(std::move(row));
  std::stable_sort(out.begin(), out.end(), [](const Row& a, const Row& b) {
    return a.now.commands - a.before.commands > b.now.commands - b.before.commands;
  });
  return out;
}

double rate(std::uint64_t now, std::uint64_t before, double seconds) {
  return static_cast<double>(now - before) / seconds;
}

Json json_of(const std::vector<Row>& rows, double seconds) {
  Json out = Json::array();
  for (const Row& row : rows) {
    const Latencies latencies = row.latencies();
    out.push_back(
        {{"initiator", row.initiator},
         {"channels", row.channels},
         {"queue_depth", row.queue_depth},
         {"mean_us", latencies.mean_us()},
         {"p50_us", latencies.quantile_us(0.5)},
         {"p99_us", latencies.quantile_us(0.99)},
         {"commands_per_s", rate(row.now.commands, row.before.commands, seconds)},
         {"read_bytes_per_s", rate(row.now.read_bytes, row.before.read_bytes, seconds)},
         {"written_bytes_per_s", rate(row.now.written_bytes, row.before.written_bytes, seconds)}});
  }
  return out;
}

void show(const std::vector<Row>& rows, double seconds) {
  if (::isatty(STDOUT_FILENO) != 0) fmt::print("\x1b[H\x1b[2J");
  std::vector<std::vector<std::string>> lines;
  const auto bytes = [&](std::uint64_t now, std::uint64_t before) {
    return short_size(static_cast<std::uint64_t>(rate(now, before, seconds))) + "/s";
  };
  for (const Row& row : rows) {
    const Latencies latencies = row.latencies();
    const auto quantile = [&](double part) {
      return latencies.count() == 0 ? "-" : short_latency(latencies.quantile_us(part));
    };
    lines.push_back({row.initiator, std::to_string(row.channels), std::to_string(row.queue_depth),
                     fmt::format("{:.0f}", rate(row.now.commands, row.before.commands, seconds)),
                     bytes(row.now.read_bytes, row.before.read_bytes),
                     bytes(row.now.written_bytes, row.before.written_bytes), quantile(0.5),
                     quantile(0.99)});
  }
  fmt::print(
      "{}", table({"INITIATOR", "CHANNELS", "QUEUE", "COMMANDS/S", "READ", "WRITTEN", "P50", "P99"},
                  lines));
  std::fflush(stdout);
}

int run_top(const Common& common, const Wanted& wanted) {
  return with_daemon(common, [&](rpc::Client& client) -> int {
    std::map<std::uint64_t, Sample> last;
    Clock::time_point then = Clock::now();
    for (unsigned i = 0;; ++i) {
      const auto sessions = client.call("sessions");
      if (!sessions) return fail(sessions.error());
      const auto now = Clock::now();
      const std::vector<Row> rows = rows_of(*sessions, last);
      const double seconds = std::max(std::chrono::duration<double>(now - then).count(), 1e-3);
      then = now;
      // The first answer is what the second is compared with.
      if (i > 0 && common.json) print_json(json_of(rows, seconds));
      if (i > 0 && !common.json) show(rows, seconds);
      if (wanted.count != 0 && i >= wanted.count) return success;
      if (std::ferror(stdout) != 0) return failed;
      std::this_thread::sleep_for(std::chrono::duration<double>(wanted.seconds));
    }
  });
}

}  // namespace

Action add_top(CLI::App& app, const Common& common) {
  const auto wanted = std::make_shared<Wanted>();
  app.add_option("--interval", wanted->seconds, "Seconds between two looks")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--count", wanted->count, "Looks; 0: until it is interrupted")
      ->capture_default_str();
  return [&common, wanted] { return run_top(common, *wanted); };
}

}  // namespace srpd::ctl
