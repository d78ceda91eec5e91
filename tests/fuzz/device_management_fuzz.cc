// Device Management from both sides: any bytes as a request are answered or dropped, any bytes as
// answers are read within bounds and a finite number of questions.
// fuzz layers: discovery
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/check.h"
#include "discovery/mad.h"
#include "discovery/survey.h"
#include "discovery/text.h"

namespace {

using namespace srpd;             // NOLINT: a program of its own
using namespace srpd::discovery;  // NOLINT

IoUnit served() {
  std::vector<ServedPort> ports;
  for (std::uint64_t i = 0; i < 7; ++i) ports.push_back({i, i % 2, 0x13f5555});
  IoUnit unit;
  CHECK(update(unit, controllers_of(ports)).has_value());
  return unit;
}

void as_request(const IoUnit& unit, std::span<const std::byte> bytes) {
  const auto answer = answer_mad(unit, bytes);
  if (!answer) return;
  CHECK(bytes.size() == wire::mad::size);
  // The header comes back but for versions, method and status.
  CHECK(std::memcmp(answer->data() + 8, bytes.data() + 8, 16) == 0);
  CHECK((*answer)[3] == std::byte{0x81});
  CHECK(!answer_mad(unit, *answer));
}

/// The bytes are dealt out as the answers of a unit.
void as_answers(std::span<const std::byte> bytes) {
  Survey survey;
  for (unsigned questions = 0; const auto question = survey.question(); ++questions) {
    CHECK(questions < 1 + 255 * 65);
    Answer answer;
    const std::size_t size = std::min(bytes.size(), answer.data.size());
    std::copy_n(bytes.begin(), size, answer.data.begin());
    bytes = bytes.subspan(size);
    if (!survey.take(answer)) CHECK(!survey.question());
  }
  for (const char c : block(survey.unit(), "")) CHECK(c == '\n' || (c >= ' ' && c <= '~'));
  for (const Login& login : logins(survey.unit())) CHECK(!login_by_gid(login, {}, 0xffff).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const IoUnit unit = served();
  const auto bytes = std::as_bytes(std::span(data, size));
  as_request(unit, bytes);
  as_answers(bytes);
  return 0;
}
