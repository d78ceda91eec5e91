// Prometheus' text format 0.0.4: what a page of metrics is written with. Bytes as it wants them;
// which metrics there are is said elsewhere (metrics.h).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/latency.h"

namespace srpd::observe {

struct Metric {
  enum class Type : std::uint8_t { counter, gauge, histogram };

  std::string_view name;  ///< of a counter it ends in _total
  Type type = Type::counter;
  std::string_view help;
};
std::string_view type_name(Metric::Type type);

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class Exposition {
 public:
  /// HELP and TYPE; the samples of this metric follow.
  void begin(const Metric& metric);
  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, double value);
  /// Of a histogram, whose unit is the second: a bucket for each power of two of microseconds.
  void sample(Labels labels, const Latencies& latencies);

  std::string take() { return std::move(text_); }

 private:
  void line(std::string_view suffix, Labels labels, std::string_view limit, std::string_view value);

  std::string name_;
  std::string text_;
};

}  // namespace srpd::observe
