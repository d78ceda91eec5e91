// The asking side against units, honest and not.
#include "discovery/survey.h"

#include <gtest/gtest.h>

#include "unit/discovery/example.h"

namespace srpd::discovery {
namespace {

using wire::mad::Status;

/// Asks until everything is known; the number of questions.
unsigned ask(Survey& survey, const IoUnit& unit) {
  unsigned questions = 0;
  while (const auto question = survey.question()) {
    ++questions;
    EXPECT_TRUE(survey.take(answer(unit, *question)));
  }
  return questions;
}

TEST(Survey, FindsTheWholeUnit) {
  std::vector<ServedPort> ports;
  for (std::uint64_t i = 0; i < 9; ++i) ports.push_back({i, 7, 0x13f0000 + i});
  ports.push_back({1, 8, 0x13f5555});
  const IoUnit unit = test::unit_of(ports);
  Survey survey;
  EXPECT_EQ(ask(survey, unit), 1u + 2u + 3u + 1u);
  EXPECT_EQ(survey.unit(), unit);
}

TEST(Survey, AnEmptyUnit) {
  Survey survey;
  EXPECT_EQ(ask(survey, IoUnit{}), 1u);
  EXPECT_TRUE(survey.unit().controllers.empty());
}

TEST(Survey, AControllerThatWentAwayMeanwhile) {
  IoUnit unit = test::unit_of({{1, 7, 1}, {1, 8, 1}});
  Survey survey;
  ASSERT_TRUE(survey.take(answer(unit, *survey.question())));
  unit.controllers.erase(1);
  ask(survey, unit);
  ASSERT_EQ(survey.unit().controllers.size(), 1u);
  EXPECT_EQ(survey.unit().controllers.at(2).guid, 8u);
}

TEST(Survey, ARefusalEndsIt) {
  Survey survey;
  const auto taken = survey.take({Status::unsupported_attribute, {}});
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().text().find("0x000c"), std::string::npos);
  EXPECT_FALSE(survey.question());
  EXPECT_FALSE(survey.take({}));
}

TEST(Survey, QuestionsAreBoundedWhateverTheUnitSays) {
  // Every byte 0x11: 17 controllers, each with 17 services.
  Answer lie;
  lie.data.fill(std::byte{0x11});
  Survey survey;
  unsigned questions = 0;
  for (; survey.question() && questions < 1000; ++questions) ASSERT_TRUE(survey.take(lie));
  EXPECT_EQ(questions, 1u + 17u + 17u * 5u);
}

}  // namespace
}  // namespace srpd::discovery
