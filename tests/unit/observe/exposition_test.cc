#include "observe/exposition.h"

#include <gtest/gtest.h>

namespace srpd::observe {
namespace {

TEST(Exposition, SaysWhatAMetricIs) {
  Exposition out;
  out.begin({"srpd_things_total", Metric::Type::counter, "Things,\nwith a \\ in \"them\"."});
  out.sample({}, std::uint64_t{18'446'744'073'709'551'615u});
  EXPECT_EQ(out.take(),
            "# HELP srpd_things_total Things,\\nwith a \\\\ in \"them\".\n"
            "# TYPE srpd_things_total counter\n"
            "srpd_things_total 18446744073709551615\n");
}

TEST(Exposition, LabelsAreEscaped) {
  Exposition out;
  out.begin({"m", Metric::Type::gauge, "h"});
  out.sample({{"a", "x\\y"}, {"b", "say \"no\"\nplease"}}, 0.5);
  EXPECT_TRUE(out.take().ends_with("m{a=\"x\\\\y\",b=\"say \\\"no\\\"\\nplease\"} 0.5\n"));
}

TEST(Exposition, HistogramsAddUpFromBelow) {
  Latencies latencies;
  latencies.add(1000);
  latencies.add(3'000'000);
  latencies.add(std::uint64_t{60} * 1'000'000'000);
  Exposition out;
  out.begin({"t_seconds", Metric::Type::histogram, "h"});
  out.sample({{"class", "read"}}, latencies);
  const std::string text = out.take();
  for (const char* line :
       {"\nt_seconds_bucket{class=\"read\",le=\"1e-06\"} 1\n",
        "\nt_seconds_bucket{class=\"read\",le=\"0.002048\"} 1\n",
        "\nt_seconds_bucket{class=\"read\",le=\"0.004096\"} 2\n",
        "\nt_seconds_bucket{class=\"read\",le=\"16.777216\"} 2\n",
        "\nt_seconds_bucket{class=\"read\",le=\"+Inf\"} 3\n",
        "\nt_seconds_sum{class=\"read\"} 60.003001\n", "\nt_seconds_count{class=\"read\"} 3\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

}  // namespace
}  // namespace srpd::observe
