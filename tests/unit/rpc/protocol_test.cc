#include "rpc/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace srpd::rpc {
namespace {

/// Echoes what it was called with.
Answer<Json> echo(const std::string& method, const Json& parameters) {
  if (method == "refuse") return refused({"object", "cause", "remedy"}, ENOENT);
  if (method == "throw") throw std::runtime_error("unforeseen");
  return Json{{"method", method}, {"parameters", parameters}};
}

Json answered(std::string_view text) {
  const std::string line = answer(text, echo);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  return line.empty() ? Json() : Json::parse(line);
}

int code(std::string_view text) { return answered(text)["error"]["code"].get<int>(); }

TEST(Protocol, AnswersARequest) {
  EXPECT_EQ(answered(R"({"jsonrpc": "2.0", "id": 7, "method": "m", "params": {"a": 1}})"),
            Json::parse(R"({"jsonrpc": "2.0",
                            "result": {"method": "m", "parameters": {"a": 1}}, "id": 7})"));
  EXPECT_EQ(answered(R"({"jsonrpc": "2.0", "id": "x", "method": "m"})")["id"], "x");
}

TEST(Protocol, NotificationsAreCarriedOutAndNotAnswered) {
  int calls = 0;
  const auto count = [&](const std::string&, const Json&) -> Answer<Json> {
    ++calls;
    return Json(calls);
  };
  EXPECT_EQ(answer(R"({"jsonrpc": "2.0", "method": "m"})", count), "");
  EXPECT_EQ(answer(R"([{"jsonrpc": "2.0", "method": "m"}])", count), "");
  EXPECT_EQ(calls, 2);
}

TEST(Protocol, BatchesAreAnsweredInOrder) {
  const Json answers = answered(R"([{"jsonrpc": "2.0", "id": 1, "method": "a"}, 1,
                                    {"jsonrpc": "2.0", "method": "n"},
                                    {"jsonrpc": "2.0", "id": 2, "method": "b"}])");
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0]["result"]["method"], "a");
  EXPECT_EQ(answers[1]["error"]["code"], -32600);
  EXPECT_EQ(answers[1]["id"], nullptr);
  EXPECT_EQ(answers[2]["id"], 2);
  std::string many = "[1";
  for (std::size_t i = 0; i < max_batch; ++i) many += ",1";
  EXPECT_EQ(code(many + "]"), -32600);
}

TEST(Protocol, MistakesHaveTheCodesOfTheStandard) {
  EXPECT_EQ(code(""), -32700);
  EXPECT_EQ(code("{\"jsonrpc\": \"2.0\", \"method\": \"m"), -32700);
  EXPECT_EQ(code("{\"jsonrpc\": \"2.0\", \"method\": \"\xff\"}"), -32700);
  EXPECT_EQ(code(std::string(100, '[') + std::string(100, ']')), -32700);
  EXPECT_EQ(code(std::string(1'000'000, '[')), -32700);
  EXPECT_EQ(code("[]"), -32600);
  EXPECT_EQ(code("7"), -32600);
  EXPECT_EQ(code(R"({"id": 1, "method": "m"})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "id": 1, "method": 1})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "id": 1})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "id": {}, "method": "m"})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "id": 1, "method": "m", "params": 1})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc": "2.0", "id": 1, "method": "throw"})"), -32603);
}

TEST(Protocol, RefusalsNameObjectCauseAndRemedy) {
  const Json error = answered(R"({"jsonrpc": "2.0", "id": 1, "method": "refuse"})")["error"];
  EXPECT_EQ(error["code"], -32000);
  EXPECT_EQ(error["message"], "object: cause; remedy");
  EXPECT_EQ(error["data"], Json::parse(R"({"object": "object", "cause": "cause",
                                           "remedy": "remedy", "errno": 2, "name": "ENOENT"})"));
}

TEST(Protocol, NamesThatAreNoUtf8AreTold) {
  const auto call = [](const std::string&, const Json&) -> Answer<Json> { return Json("a\xff"); };
  EXPECT_EQ(Json::parse(answer(R"({"jsonrpc": "2.0", "id": 1, "method": "m"})", call))["result"],
            "a\xef\xbf\xbd");
}

}  // namespace
}  // namespace srpd::rpc
