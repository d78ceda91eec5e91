// srp bench URL: load on a disk, and what it answers. Spends as little as possible itself, since it
// often shares its processors with the daemon it measures.
#include <fmt/core.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "command.h"
#include "latency.h"
#include "pattern.h"

namespace srpd::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string url, operation = "read", pattern = "rand", block = "4k", range;
  std::uint32_t depth = 32, jobs = 1, read_percent = 50;
  double seconds = 5;
  std::uint64_t seed = 1;
  bool json = false, verify = false;
};

/// Shared by all jobs; everything runs on one loop.
struct Load {
  Options options;
  std::uint32_t block_bytes = 0, block_blocks = 0, lba_bytes = 0;
  std::uint64_t places = 0;  ///< blocks of block_bytes in the range
  std::uint32_t read_percent = 100;
  bool random = true;
  Random dice{1};
  std::uint64_t next_place = 0;
  Clock::time_point end;
  Latency latency;
  std::uint64_t reads = 0, writes = 0;
  std::uint32_t under_way = 0;
  std::string failure;  ///< the first one; ends the run
};

struct Slot : initiator::Request {
  Load* load = nullptr;
  initiator::Client* client = nullptr;
  std::vector<std::byte> buffer, expected;
  bool reading = true;
  std::uint64_t lba = 0;
  Clock::time_point begin;
};

bool submit(Slot& slot) {
  if (slot.client->session().submit(slot)) return true;
  slot.load->failure = "the session is over";
  return false;
}

void start(Slot& slot, std::uint64_t place, bool reading) {
  Load& load = *slot.load;
  slot.reading = reading;
  slot.lba = place * load.block_blocks;
  if (reading) {
    initiator::prepare_read(slot, slot.lba, load.block_blocks, slot.buffer);
  } else {
    if (load.options.verify) fill_pattern(load.options.seed, slot.lba, load.lba_bytes, slot.buffer);
    initiator::prepare_write(slot, slot.lba, load.block_blocks, slot.buffer, false);
  }
  slot.begin = Clock::now();
  if (submit(slot)) ++load.under_way;
}

void start_next(Slot& slot) {
  Load& load = *slot.load;
  const std::uint64_t place =
      load.random ? load.dice.below(load.places) : load.next_place++ % load.places;
  const bool reading = load.read_percent == 100 ||
                       (load.read_percent > 0 && load.dice.below(100) < load.read_percent);
  start(slot, place, reading);
}

void check(Slot& slot) {
  Load& load = *slot.load;
  if (!slot.good()) {
    load.failure = fmt::format("{} at LBA {}: {}", slot.reading ? "READ" : "WRITE", slot.lba,
                               initiator::describe_failure(slot));
  } else if (slot.reading && load.options.verify) {
    slot.expected.resize(slot.buffer.size());
    fill_pattern(load.options.seed, slot.lba, load.lba_bytes, slot.expected);
    const std::size_t at = first_difference(slot.buffer, slot.expected);
    if (at != slot.buffer.size())
      load.failure = fmt::format("wrong data at LBA {}, byte {}", slot.lba + at / load.lba_bytes,
                                 at % load.lba_bytes);
  }
}

void measured(initiator::Request& request) {
  auto& slot = static_cast<Slot&>(request);
  Load& load = *slot.load;
  const auto now = Clock::now();
  --load.under_way;
  load.latency.record(now - slot.begin);
  ++(slot.reading ? load.reads : load.writes);
  if (load.failure.empty()) check(slot);
  if (now < load.end && load.failure.empty()) {
    start_next(slot);
  } else if (load.under_way == 0) {
    slot.client->wake();
  }
}

// The first pass of --verify: every block once, in order.
void filled(initiator::Request& request) {
  auto& slot = static_cast<Slot&>(request);
  Load& load = *slot.load;
  --load.under_way;
  if (load.failure.empty()) check(slot);
  if (load.failure.empty() && load.next_place < load.places) {
    start(slot, load.next_place++, false);
  } else if (load.under_way == 0) {
    slot.client->wake();
  }
}

struct Job {
  std::unique_ptr<initiator::Client> client;
  std::deque<Slot> slots;
};

int wait_for_all(std::deque<Job>& jobs, Load& load) {
  while (load.under_way > 0) {
    jobs.front().client->wait();
    if (jobs.front().client->over() && load.under_way > 0) break;
  }
  if (load.failure.empty()) return success;
  return fail({load.options.url, load.failure, ""},
              jobs.front().client->over() ? no_connection : scsi_error);
}

std::uint64_t connects(const std::deque<Job>& jobs) {
  std::uint64_t sum = 0;
  for (const Job& job : jobs) sum += job.client->session().counters().connects;
  return sum;
}

int prepare(Load& load, Connected& connected) {
  const Options& options = load.options;
  const auto capacity = initiator::read_capacity(*connected.client, *connected.url.lun);
  if (!capacity) return fail_lun(connected, capacity.error());
  const auto block = parse_size(options.block);
  const auto range = options.range.empty() ? Expected<std::uint64_t>(capacity->bytes())
                                           : parse_size(options.range);
  for (const auto* each : {&block, &range})
    if (!*each) return fail(each->error(), usage_error);
  load.lba_bytes = capacity->block_size;
  if (*block == 0 || *block % load.lba_bytes != 0 || *block > (std::uint64_t{16} << 20) ||
      *block > std::min(*range, capacity->bytes()))
    return fail({"block size " + options.block,
                 fmt::format("not a multiple of {} bytes, above 16M, or more than the disk has",
                             load.lba_bytes),
                 ""},
                usage_error);
  load.block_bytes = static_cast<std::uint32_t>(*block);
  load.block_blocks = load.block_bytes / load.lba_bytes;
  load.places = std::min(*range, capacity->bytes()) / load.block_bytes;
  load.dice = Random(options.seed);
  // fio's names of patterns say both.
  std::string operation = options.operation, pattern = options.pattern;
  if (pattern == "read" || pattern == "randread") operation = "read";
  if (pattern == "write" || pattern == "randwrite") operation = "write";
  if (pattern == "rw" || pattern == "randrw") operation = "mixed";
  load.random = pattern.starts_with("rand");
  load.read_percent = operation == "read" ? 100 : operation == "write" ? 0 : options.read_percent;
  return success;
}

void report(const Load& load, double seconds, std::uint64_t reconnects) {
  const Latency& latency = load.latency;
  const std::uint64_t ios = load.reads + load.writes;
  const double iops = static_cast<double>(ios) / seconds;
  const double bytes_per_s = iops * load.block_bytes;
  if (load.options.json) {
    nlohmann::ordered_json json;
    json["ios"] = ios;
    json["reads"] = load.reads;
    json["writes"] = load.writes;
    json["reconnects"] = reconnects;
    json["seconds"] = seconds;
    json["iops"] = iops;
    json["bytes_per_s"] = bytes_per_s;
    json["min_us"] = latency.min_us();
    json["mean_us"] = latency.mean_us();
    json["p50_us"] = latency.percentile_us(0.5);
    json["p99_us"] = latency.percentile_us(0.99);
    json["p999_us"] = latency.percentile_us(0.999);
    json["max_us"] = latency.max_us();
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("{}: {} {}, {}, depth {} x {}\n", load.options.url,
             load.random ? "random" : "sequential",
             load.read_percent == 100 ? "read"
             : load.read_percent == 0 ? "write"
                                      : fmt::format("{} % read", load.read_percent),
             size_text(load.block_bytes), load.options.depth, load.options.jobs);
  fmt::print("  {:.0f} IOPS, {:.1f} MB/s\n", iops, bytes_per_s / 1e6);
  fmt::print("  latency: p50 {:.1f} us, p99 {:.1f} us, p99.9 {:.1f} us, max {:.1f} us\n",
             latency.percentile_us(0.5), latency.percentile_us(0.99), latency.percentile_us(0.999),
             latency.max_us());
  if (reconnects > 0)
    fmt::print("  {} reconnects: the figures include the time without a connection\n", reconnects);
}

int run(const Options& options, const Common& common) {
  auto connected = connect(common, options.url, {.queue_depth = options.depth});
  if (!connected) return fail(connected.error());
  Load load;
  load.options = options;
  if (const int code = prepare(load, *connected); code != success) return code;

  std::deque<Job> jobs(options.jobs);
  const initiator::SessionOptions session = connected->client->session().options();
  jobs[0].client = std::move(connected->client);
  for (std::uint32_t i = 1; i < options.jobs; ++i) {
    initiator::SessionOptions other = session;
    // Another nexus: one login of the same would end the first.
    other.initiator[0] = static_cast<std::byte>(i);
    auto client = initiator::Client::connect(*connected->loop, *connected->transport, other);
    if (!client) return fail(client.error(), no_connection);
    jobs[i].client = std::move(*client);
  }
  for (Job& job : jobs) {
    job.slots.resize(options.depth);
    for (Slot& slot : job.slots) {
      slot.load = &load;
      slot.client = job.client.get();
      slot.lun = *connected->url.lun;
      slot.buffer.resize(load.block_bytes);
      fill_pattern(options.seed, 0, 8, slot.buffer);
    }
  }
  const auto each_slot = [&jobs](auto visit) {
    for (Job& job : jobs)
      for (Slot& slot : job.slots) visit(slot);
  };
  if (options.verify && load.read_percent > 0) {
    each_slot([&load](Slot& slot) {
      slot.done = &filled;
      if (load.next_place < load.places) start(slot, load.next_place++, false);
    });
    if (const int code = wait_for_all(jobs, load); code != success) return code;
    load.next_place = 0;
  }
  const std::uint64_t connects_before = connects(jobs);
  const auto begin = Clock::now();
  load.end = begin + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(options.seconds));
  each_slot([](Slot& slot) {
    slot.done = &measured;
    start_next(slot);
  });
  const int code = wait_for_all(jobs, load);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (code == success) report(load, seconds, connects(jobs) - connects_before);
  return code;
}

}  // namespace

Action add_bench(CLI::App& app, const Common& common) {
  auto options = std::make_shared<Options>();
  app.add_option("URL", options->url, "The disk")->required();
  app.add_option("--operation", options->operation, "What to do")
      ->check(CLI::IsMember({"read", "write", "mixed"}))
      ->capture_default_str();
  app.add_option("--pattern", options->pattern,
                 "Where: rand, seq; or fio's names, which say --operation as well")
      ->check(
          CLI::IsMember({"rand", "seq", "read", "write", "rw", "randread", "randwrite", "randrw"}))
      ->capture_default_str();
  app.add_option("--read-percent", options->read_percent, "Share of reads in mixed")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--block-size,--block", options->block, "Bytes per command")
      ->capture_default_str();
  app.add_option("--range", options->range, "Bytes of the disk to use, from its beginning");
  app.add_option("--depth", options->depth, "Commands under way per job")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--jobs", options->jobs, "Sessions, each a connection and initiator of its own")
      ->check(CLI::Range(1, 255))
      ->capture_default_str();
  app.add_option("--seconds", options->seconds, "How long")->capture_default_str();
  app.add_option("--seed", options->seed, "Of places and data")->capture_default_str();
  app.add_flag("--verify", options->verify,
               "Write a pattern to the whole range first, check what is read");
  app.add_flag("--json", options->json, "For programs");
  app.footer("Writes destroy what is on the disk.");
  return [options, &common] { return run(*options, common); };
}

}  // namespace srpd::cli
