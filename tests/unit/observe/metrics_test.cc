// docs/metrics.md and the page say the same.
#include "observe/metrics.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "runtime/thread.h"

namespace srpd::observe {
namespace {

std::string documentation() {
  const std::ifstream file(std::string(SRPD_TEST_DATA) + "/../../docs/metrics.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Metrics, AreThoseOfTheDocumentationInItsOrder) {
  std::vector<std::pair<std::string, std::string>> documented, known;
  const std::string text = documentation();
  const std::regex row(R"(\| `(srpd_[a-z_]+)` \| ([a-z]+) \|)");
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at)
    documented.emplace_back((*at)[1], (*at)[2]);
  for (const Metric& metric : metrics()) known.emplace_back(metric.name, type_name(metric.type));
  EXPECT_EQ(documented, known);
}

TEST(Metrics, CountersEndInTotalAndNothingElseDoes) {
  std::set<std::string_view> names;
  for (const Metric& metric : metrics()) {
    EXPECT_EQ(metric.name.ends_with("_total"), metric.type == Metric::Type::counter) << metric.name;
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(metric.help.ends_with('.')) << metric.name;
  }
}

TEST(Metrics, ThePageHasAllOfThemInOrder) {
  const auto other = runtime::LoopThread::start({});
  const auto home = runtime::LoopThread::start({});
  ASSERT_TRUE(home && other);
  const std::vector<runtime::Loop*> loops{&(*home)->loop(), &(*other)->loop()};
  auto target = runtime::run_on(*loops.front(), [&] {
    return std::make_unique<target::Target>(loops, target::TargetOptions{});
  });
  Sources sources{.target = *target,
                  .loops = loops,
                  .completion_vectors =
                      [&] {
                        return std::vector<transport::CompletionVectorCount>{
                            {"mlx5_0", 3, loops[1], 40, 4}, {"mlx5_0", 3, loops[1], 2, 1}};
                      },
                  .version = "1.2.3"};
  const std::string text = page(sources);
  runtime::run_on_until_done(*loops.front(), [&](auto done) {
    target->shutdown(done);
    return true;
  });
  (*home)->stop();
  (*other)->stop();
  target.reset();

  std::vector<std::string> begun, known;
  const std::regex help("# HELP ([a-z_]+) ");
  for (std::sregex_iterator at(text.begin(), text.end(), help), end; at != end; ++at)
    begun.push_back((*at)[1]);
  for (const Metric& metric : metrics()) known.emplace_back(metric.name);
  EXPECT_EQ(begun, known);
  for (const char* line :
       {"\nsrpd_info{version=\"1.2.3\"} 1\n", "\nsrpd_loop_sleeps_total{loop=\"1\"} ",
        "\nsrpd_completion_vector_completions_total{device=\"mlx5_0\",vector=\"3\",loop=\"1\"} "
        "42\n",
        "\nsrpd_completion_vector_events_total{device=\"mlx5_0\",vector=\"3\",loop=\"1\"} 5\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  const std::regex mails("srpd_loop_mails_total\\{loop=\"0\"\\} ([0-9]+)");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(text, found, mails));
  EXPECT_GT(std::stoul(found[1]), 0u);
}

}  // namespace
}  // namespace srpd::observe
