#include "observe/exposition.h"

#include <fmt/format.h>

#include <iterator>

namespace srpd::observe {
namespace {

void append_help(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\') out += "\\\\";
    if (c == '\n') out += "\\n";
    if (c != '\\' && c != '\n') out += c;
  }
}

void append_value(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? "\\n" : std::string_view(&c, 1);
  }
}

}  // namespace

std::string_view type_name(Metric::Type type) {
  constexpr std::string_view names[] = {"counter", "gauge", "histogram"};
  return names[static_cast<std::size_t>(type)];
}

void Exposition::begin(const Metric& metric) {
  name_ = metric.name;
  text_ += "# HELP " + name_ + ' ';
  append_help(text_, metric.help);
  text_ += "\n# TYPE " + name_ + ' ';
  text_ += type_name(metric.type);
  text_ += '\n';
}

void Exposition::line(std::string_view suffix, Labels labels, std::string_view limit,
                      std::string_view value) {
  text_ += name_;
  text_ += suffix;
  char before = '{';
  const auto label = [&](std::string_view name, std::string_view text) {
    text_ += before;
    text_ += name;
    text_ += "=\"";
    append_value(text_, text);
    text_ += '"';
    before = ',';
  };
  for (const auto& [name, text] : labels) label(name, text);
  if (!limit.empty()) label("le", limit);
  if (before == ',') text_ += '}';
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

void Exposition::sample(Labels labels, std::uint64_t value) {
  line("", labels, "", fmt::format_int(value).c_str());
}

void Exposition::sample(Labels labels, double value) {
  line("", labels, "", fmt::format("{}", value));
}

void Exposition::sample(Labels labels, const Latencies& latencies) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i + 1 < latency_buckets; ++i) {
    below += latencies.buckets[i];
    // Halves of octaves are left to srpctl.
    if (i != 0 && i % 2 == 0) continue;
    const double seconds = static_cast<double>(latency_upper_us(i)) / 1e6;
    line("_bucket", labels, fmt::format("{}", seconds), fmt::format_int(below).c_str());
  }
  below += latencies.buckets.back();
  const fmt::format_int count(below);
  line("_bucket", labels, "+Inf", count.c_str());
  line("_sum", labels, "", fmt::format("{}", static_cast<double>(latencies.sum_ns) / 1e9));
  line("_count", labels, "", count.c_str());
}

}  // namespace srpd::observe
