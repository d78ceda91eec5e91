// Who is logged in, and who was refused.
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "rpc/methods.h"
#include "rpc/services.h"

namespace srpd::rpc {
namespace {

double seconds_between(runtime::Time from, runtime::Time to) {
  return std::chrono::duration<double>(to - from).count();
}

/// Buckets with something in them, each by its upper bound.
Json json_of(const Latencies& latencies) {
  Json buckets = Json::array();
  for (std::size_t i = 0; i < latency_buckets; ++i) {
    if (latencies.buckets[i] == 0) continue;
    const bool last = i + 1 == latency_buckets;
    buckets.push_back({last ? Json() : Json(latency_upper_us(i)), latencies.buckets[i]});
  }
  return {{"count", latencies.count()},
          {"sum_ns", latencies.sum_ns},
          {"mean_us", latencies.mean_us()},
          {"p50_us", latencies.quantile_us(0.5)},
          {"p99_us", latencies.quantile_us(0.99)},
          {"buckets", std::move(buckets)}};
}

Json json_of(const target::SessionInfo& session, runtime::Time now) {
  return {{"id", session.id},
          {"initiator", session.initiator},
          {"initiator_id", session.initiator_id},
          {"peer", session.peer},
          {"port", session.port},
          {"acl", session.acl},
          {"transport", session.transport},
          {"channel", session.channel},
          {"seconds", seconds_between(session.since, now)},
          {"credits", session.credits},
          {"queue_depth", session.queue_depth},
          {"commands", session.commands},
          {"read_bytes", session.read_bytes},
          {"written_bytes", session.written_bytes},
          {"latency", json_of(session.latencies)}};
}

Json json_of(const target::Refusal& refusal, runtime::Time now) {
  return {{"initiator", refusal.initiator}, {"host", refusal.host},
          {"peer", refusal.peer},           {"port", refusal.port},
          {"cause", refusal.cause},         {"remedy", refusal.remedy},
          {"reason", refusal.reason},       {"reason_name", refusal.reason_name},
          {"count", refusal.count},         {"seconds_ago", seconds_between(refusal.last, now)}};
}

Answer<Json> sessions(Services& services, const Arguments&) {
  const Sessions all = services.sessions();
  Json out = Json::array();
  for (const auto& session : all.sessions) out.push_back(json_of(session, all.now));
  return out;
}

Answer<Json> refusals(Services& services, const Arguments&) {
  const Sessions all = services.sessions();
  Json out = Json::array();
  for (const auto& refusal : all.refusals) out.push_back(json_of(refusal, all.now));
  return out;
}

constexpr Method methods[] = {
    {.name = "sessions",
     .summary = "The channels that hosts have logged in with, in the order of their logins",
     .result = "of each: id, initiator, initiator_id, peer, port, acl, transport, channel, seconds "
               "since its login, credits, queue_depth, and since then commands, read_bytes, "
               "written_bytes, latency",
     .call = sessions},
    {.name = "refusals",
     .summary = "The latest logins that were refused, oldest first, each cause once",
     .result = "of each: initiator, host, peer, port, cause, remedy, reason and reason_name of "
               "SRP_LOGIN_REJ, count, seconds_ago",
     .call = refusals},
};

}  // namespace

std::span<const Method> session_methods() { return methods; }

}  // namespace srpd::rpc
