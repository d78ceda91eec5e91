// fuzz layers: directory dnssd kernel
//
// The discovery service and what stands around it: requests of any visitor, answers of any server,
// private data, text records, login strings and the daemon's file. What is checked: no memory
// error, every answer is a MAD, every inquiry ends, and what was parsed prints and parses again.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/check.h"
#include "directory/protocol.h"
#include "dnssd/pointer_record.h"
#include "dnssd/service.h"
#include "kernel/daemon_config.h"

namespace {

using namespace srpd;  // NOLINT: a program of one file

constexpr unsigned more_than_any_inquiry = 4 * (2 + 2 * 255 + 255 * 64) + 1;

directory::Listing listing() {
  directory::Listing made;
  const discovery::ServedPort ports[] = {{1, 2, 3}, {4, 2, 5}, {6, 7, 8}};
  CHECK(discovery::update(made.unit, discovery::controllers_of(ports)).has_value());
  made.listeners.resize(3);
  made.listeners[1].form = directory::LoginForm::ib_cm;
  return made;
}

void request(std::span<const std::byte> bytes) {
  static const directory::Listing served = listing();
  discovery::Mad mad{};
  std::memcpy(mad.data(), bytes.data(), std::min(bytes.size(), mad.size()));
  if (const auto response = directory::answer(served, bytes)) CHECK(bytes.size() == mad.size());
  // With a header that gets further.
  mad[0] = std::byte{1};
  mad[1] = std::byte{6};
  mad[2] = std::byte{1};
  mad[3] &= std::byte{0x7f};
  CHECK(directory::answer(served, mad).has_value());
}

/// Answers made of the fuzzer's bytes to whatever is asked.
void answers(std::span<const std::byte> bytes) {
  directory::Inquiry inquiry;
  unsigned asked = 0;
  while (const auto question = inquiry.request()) {
    CHECK(++asked < more_than_any_inquiry);
    discovery::Mad response = *question;
    response[3] = std::byte{0x81};
    const std::size_t take = std::min<std::size_t>(bytes.size(), 192);
    std::memcpy(&response[64], bytes.data(), take);
    if (take == 0 || !inquiry.take(response)) return;
    bytes = bytes.subspan(take);
  }
  CHECK(directory::block(inquiry.listing()).ends_with('\n'));
  for (const auto& line : directory::login_lines(inquiry.listing())) {
    const auto login = kernel::parse_login_string(line.text);
    CHECK(login.has_value());
    const auto again = kernel::parse_login_string(login->text());
    CHECK(again.has_value() && *again == *login);
  }
}

void texts(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (const auto login = kernel::parse_login_string(text)) {
    const auto again = kernel::parse_login_string(login->text());
    CHECK(again.has_value());
  }
  if (const auto config = kernel::parse_daemon_config(text, "f"); !config)
    CHECK(!config.error().remedy.empty());
  const std::span raw(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  dnssd::Txt txt;
  dnssd::add_txt_entry(txt, raw);
  for (const std::string& entry : dnssd::txt_entries(txt)) CHECK(entry.size() <= 255);
  CHECK(dnssd::instance_name(text).size() <= 63);
  if (const auto instance = dnssd::instance_of_pointer(raw)) CHECK(instance->size() <= 63);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (bytes.empty()) return 0;
  const auto rest = bytes.subspan(1);
  switch (data[0] % 4) {
    case 0:
      request(rest);
      break;
    case 1:
      answers(rest);
      break;
    case 2:
      texts(rest);
      break;
    case 3:
      directory::parse_hello(rest);
      directory::parse_welcome(rest);
      CHECK(!directory::explain_rejection(rest, "x").remedy.empty());
      break;
  }
  return 0;
}
