// Requests of the control socket: any line is answered with one line of JSON, or with nothing; the
// tree behind it stays sound.
// fuzz layers: rpc
// fuzz sources: support/fake_engine.cc
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "support/rpc_world.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace srpd;
  static rpc::test::World world;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
    const std::string answer = rpc::answer_line(world.services, line);
    if (answer.empty()) continue;
    CHECK(answer.find('\n') == std::string::npos);
    const rpc::Json json = rpc::Json::parse(answer, nullptr, false);
    CHECK(json.is_object() || json.is_array());
    if (json.is_object()) CHECK(json.contains("result") != json.contains("error"));
  }
  return 0;
}
