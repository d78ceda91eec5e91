#include "observe/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "runtime/thread.h"

namespace srpd::observe {
namespace {

using enum Metric::Type;
using scsi::IoClass;

constexpr Metric info{"srpd_info", gauge, "Always 1; the release is in the label."};
constexpr Metric uptime{"srpd_uptime_seconds", gauge, "Time since the start."};

constexpr Metric commands{"srpd_lun_commands_total", counter,
                          "SCSI commands that have ended, by LUN, initiator and class."};
constexpr Metric bytes{"srpd_lun_bytes_total", counter, "Data of reads and writes."};
constexpr Metric latency{
    "srpd_lun_latency_seconds", histogram,
    "Time from the arrival of a command to its answer, by LUN, initiator and class."};
constexpr Metric errors{"srpd_lun_errors_total", counter,
                        "Commands that did not end with GOOD, by sense key or status."};

constexpr Metric sessions{"srpd_sessions", gauge, "Channels that hosts have logged in with."};
constexpr Metric session_commands{"srpd_session_commands_total", counter,
                                  "Commands that came by a channel."};
constexpr Metric session_bad{"srpd_session_bad_commands_total", counter,
                             "Commands whose information unit was refused."};
constexpr Metric session_credits{"srpd_session_credits", gauge,
                                 "The most commands the host may have under way."};
constexpr Metric session_depth{"srpd_session_queue_depth", gauge, "Commands that are under way."};
constexpr Metric refusals{"srpd_logins_refused_total", counter,
                          "Refused logins, by the reason that the host was told."};

constexpr Metric looks{"srpd_loop_looks_total", counter,
                       "Turns of an event loop without sleep, by whether there was work."};
constexpr Metric sleeps{"srpd_loop_sleeps_total", counter, "Sleeps of an event loop."};
constexpr Metric wakes{"srpd_loop_wakes_total", counter,
                       "Sleeps of an event loop that a post ended."};
constexpr Metric events{"srpd_loop_events_total", counter,
                        "Readiness of descriptors that an event loop was told of."};
constexpr Metric mails{"srpd_loop_mails_total", counter,
                       "Posts, mostly of other loops, that an event loop has taken."};
constexpr Metric files{"srpd_loop_file_operations_total", counter,
                       "File operations that were not completed at once."};
constexpr Metric completions{"srpd_completion_vector_completions_total", counter,
                             "Work completions of an adapter, by vector and loop."};
constexpr Metric announcements{"srpd_completion_vector_events_total", counter,
                               "Announced completions of an adapter: its interrupts, by vector "
                               "and loop."};

constexpr Metric log_lines{"srpd_log_lines_total", counter, "Lines in the log, by level."};
constexpr Metric log_suppressed{"srpd_log_suppressed_lines_total", counter,
                                "Lines that were held back, as there were too many like them."};

constexpr std::array all{
    info,        uptime,           commands,    bytes,           latency,       errors,
    sessions,    session_commands, session_bad, session_credits, session_depth, refusals,
    looks,       sleeps,           wakes,       events,          mails,         files,
    completions, announcements,    log_lines,   log_suppressed};

/// One LUN as one initiator uses it. A host that sees it by several ways has several rows.
using IoKey = std::tuple<std::string, std::uint32_t, std::string, std::string>;
using Io = std::map<IoKey, scsi::IoTotals>;

template <class Result, class Start>
Result ask(runtime::Loop& home, Start start) {
  std::promise<Result> answer;
  runtime::run_on(
      home, [&] { start([&answer](Result result) { answer.set_value(std::move(result)); }); });
  return answer.get_future().get();
}

Io gather_io(const Sources& from) {
  const auto rows = ask<std::vector<target::IoRow>>(
      *from.loops.front(), [&](auto report) { from.target.list_io(std::move(report)); });
  Io io;
  for (const target::IoRow& row : rows)
    row.cells->add_to(io[{row.port, row.lun, row.unit, row.initiator}]);
  return io;
}

std::string_view class_name(std::size_t at) { return scsi::name(static_cast<IoClass>(at)); }

/// `write` is given what was counted of a LUN, and a function that writes a sample of it: with the
/// labels that all metrics of a LUN have, and one more.
template <class Write>
void write_of_luns(Exposition& out, const Metric& metric, const Io& io, Write write) {
  out.begin(metric);
  for (const auto& [key, totals] : io) {
    const auto& [port, lun, unit, initiator] = key;
    const fmt::format_int number(lun);
    write(totals, [&](std::string_view label, std::string_view text, const auto& value) {
      out.sample({{"target", port},
                  {"lun", number.c_str()},
                  {"unit", unit},
                  {"initiator", initiator},
                  {label, text}},
                 value);
    });
  }
}

void write_io(Exposition& out, const Io& io) {
  write_of_luns(out, commands, io, [](const scsi::IoTotals& totals, const auto& sample) {
    for (std::size_t at = 0; at < scsi::io_classes; ++at)
      sample("class", class_name(at), totals.classes[at].commands);
  });
  write_of_luns(out, bytes, io, [](const scsi::IoTotals& totals, const auto& sample) {
    for (const IoClass of : {IoClass::read, IoClass::write})
      sample("class", scsi::name(of), totals.classes[static_cast<std::size_t>(of)].bytes);
  });
  // A histogram has some thirty lines: none of what was not used.
  write_of_luns(out, latency, io, [](const scsi::IoTotals& totals, const auto& sample) {
    for (std::size_t at = 0; at < scsi::io_classes; ++at)
      if (totals.classes[at].latencies.count() != 0)
        sample("class", class_name(at), totals.classes[at].latencies);
  });
  write_of_luns(out, errors, io, [](const scsi::IoTotals& totals, const auto& sample) {
    for (std::size_t kind = 0; kind < scsi::error_kinds; ++kind)
      if (totals.errors[kind] != 0)
        sample("error", scsi::error_kind_name(kind), totals.errors[kind]);
  });
}

using Channels = std::vector<target::SessionInfo>;

template <class Value>
void write_of_channels(Exposition& out, const Metric& metric, const Channels& channels,
                       Value target::SessionInfo::* member) {
  out.begin(metric);
  for (const target::SessionInfo& each : channels)
    out.sample({{"session", fmt::format_int(each.id).c_str()},
                {"target", each.port},
                {"initiator", each.initiator},
                {"peer", each.peer},
                {"transport", each.transport}},
               std::uint64_t{each.*member});
}

void write_sessions(Exposition& out, const Sources& from) {
  const auto channels = ask<Channels>(
      *from.loops.front(), [&](auto report) { from.target.list_sessions(std::move(report)); });
  std::map<std::pair<std::string, std::string>, std::uint64_t> counts;
  for (const target::SessionInfo& each : channels) ++counts[{each.port, each.transport}];
  out.begin(sessions);
  for (const auto& [key, count] : counts)
    out.sample({{"target", key.first}, {"transport", key.second}}, count);
  write_of_channels(out, session_commands, channels, &target::SessionInfo::commands);
  write_of_channels(out, session_bad, channels, &target::SessionInfo::bad_ius);
  write_of_channels(out, session_credits, channels, &target::SessionInfo::credits);
  write_of_channels(out, session_depth, channels, &target::SessionInfo::queue_depth);
  out.begin(refusals);
  for (const auto& [reason, count] : from.target.refusal_counts())
    out.sample({{"reason", reason}}, count);
}

void write_of_loops(Exposition& out, const Metric& metric, const Sources& from,
                    Counter runtime::LoopCounts::* member) {
  out.begin(metric);
  for (std::size_t i = 0; i < from.loops.size(); ++i)
    out.sample({{"loop", fmt::format_int(i).c_str()}}, (from.loops[i]->counts().*member).get());
}

void write_loops(Exposition& out, const Sources& from) {
  using runtime::LoopCounts;
  out.begin(looks);
  for (std::size_t i = 0; i < from.loops.size(); ++i) {
    const fmt::format_int loop(i);
    const LoopCounts& counts = from.loops[i]->counts();
    out.sample({{"loop", loop.c_str()}, {"work", "found"}}, counts.looks_with_work.get());
    out.sample({{"loop", loop.c_str()}, {"work", "none"}}, counts.looks_without_work.get());
  }
  write_of_loops(out, sleeps, from, &LoopCounts::sleeps);
  out.begin(wakes);
  for (std::size_t i = 0; i < from.loops.size(); ++i)
    out.sample({{"loop", fmt::format_int(i).c_str()}},
               from.loops[i]->counts().wakes.load(std::memory_order_relaxed));
  write_of_loops(out, events, from, &LoopCounts::events);
  write_of_loops(out, mails, from, &LoopCounts::mails);
  write_of_loops(out, files, from, &LoopCounts::file_operations);
}

void write_vectors(Exposition& out, const Sources& from) {
  // A device that was lost and found has counted twice.
  std::map<std::tuple<std::string, int, std::size_t>, std::pair<std::uint64_t, std::uint64_t>> sums;
  for (const auto& each : from.completion_vectors()) {
    const auto loop = std::find(from.loops.begin(), from.loops.end(), each.loop);
    auto& sum =
        sums[{each.device, each.vector, static_cast<std::size_t>(loop - from.loops.begin())}];
    sum.first += each.completions;
    sum.second += each.events;
  }
  for (const bool announced : {false, true}) {
    out.begin(announced ? announcements : completions);
    for (const auto& [key, sum] : sums) {
      const auto& [device, vector, loop] = key;
      out.sample({{"device", device},
                  {"vector", fmt::format_int(vector).c_str()},
                  {"loop", fmt::format_int(loop).c_str()}},
                 announced ? sum.second : sum.first);
    }
  }
}

void write_log(Exposition& out) {
  constexpr std::string_view levels[] = {"debug", "info", "warning", "error"};
  const log::Counts counts = log::counts();
  out.begin(log_lines);
  for (std::size_t i = 0; i < std::size(levels); ++i)
    out.sample({{"level", levels[i]}}, counts.written[i]);
  out.begin(log_suppressed);
  out.sample({}, counts.suppressed);
}

}  // namespace

std::span<const Metric> metrics() { return all; }

std::string page(const Sources& from) {
  Exposition out;
  out.begin(info);
  out.sample({{"version", from.version}}, std::uint64_t{1});
  out.begin(uptime);
  out.sample(
      {}, std::chrono::duration<double>(std::chrono::steady_clock::now() - from.started).count());
  write_io(out, gather_io(from));
  write_sessions(out, from);
  write_loops(out, from);
  write_vectors(out, from);
  write_log(out);
  return out.take();
}

}  // namespace srpd::observe
