// The connection manager against any sequence of messages: MADs, decisions of its owner and time
// that passes, dealt out of the input. Everything it holds ends in bounded time, and nobody hears
// of a connection that is over.
// fuzz layers: ibcm
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>

#include "base/check.h"
#include "ibcm/manager.h"

namespace {

using namespace srpd;        // NOLINT: a program of its own
using namespace srpd::ibcm;  // NOLINT
using namespace std::chrono_literals;

class Fuzzed final : Manager::Port {
 public:
  explicit Fuzzed(std::span<const std::byte> input) : input_(input) { manager_.listen(1); }

  void run() {
    while (!input_.empty()) step();
    for (int i = 0; i < 1'000 && manager_.deadline(); ++i) {
      now_ = std::max(now_, *manager_.deadline());
      manager_.expire(now_);
    }
    CHECK(!manager_.deadline());
    for (const auto& [handle, up] : alive_) CHECK(up);  // only what is established may stay
    CHECK(manager_.connections() == alive_.size());
    manager_.lose();
    CHECK(alive_.empty() && manager_.connections() == 0);
  }

 private:
  unsigned take() {
    if (input_.empty()) return 0;
    const auto value = std::to_integer<unsigned>(input_.front());
    input_ = input_.subspan(1);
    return value;
  }
  // A well-formed header and few different numbers, so that messages find each other; and now and
  // then any bytes.
  Mad message() {
    Mad mad{};
    const unsigned kind = take();
    const std::size_t raw = std::min({std::size_t{take()}, input_.size(), mad.size() - 24});
    std::copy_n(input_.begin(), raw, mad.begin() + 24);
    input_ = input_.subspan(raw);
    mad[0] = std::byte{1};
    mad[1] = std::byte{7};
    mad[2] = std::byte{2};
    mad[3] = std::byte{3};
    mad[17] = static_cast<std::byte>(0x10 + kind % 8);
    mad[27] = static_cast<std::byte>(take() % 4);
    mad[31] = static_cast<std::byte>(take() % 8);
    if (kind % 8 == 0) {
      mad[24 + 15] = std::byte{1};
      mad[24 + 50] = std::byte{0x50};
    }
    if (kind == 255) mad[take() % 24] = static_cast<std::byte>(take());
    return mad;
  }
  void step() {
    const Handle handle = take() % 8;
    switch (take() % 7) {
      case 0:
        now_ += Time{std::int64_t{1} << take() % 36};
        return manager_.expire(now_);
      case 1:
        manager_.accept(handle, {.queue_pair = handle}, now_);
        return;
      case 2:
        manager_.reject(handle, Reason::consumer_defined, {});
        if (const auto found = alive_.find(handle); found != alive_.end() && rejected_ == handle)
          alive_.erase(found);
        rejected_ = 0;
        return;
      case 3:
        manager_.data_arrived(handle);
        return;
      case 4:
        manager_.disconnect(handle, now_);
        alive_.erase(handle);
        rejected_ = 0;
        return;
      default:
        manager_.receive(message(), {}, now_);
    }
  }

  void send(const Mad& mad, const ReturnAddress&) override {
    const auto parsed = parse(mad);
    if (!parsed) return;  // a REP
    if (const auto* const refused = std::get_if<Rejected>(&*parsed);
        refused != nullptr && refused->reason == 28)
      rejected_ = refused->id;
  }
  void on_request(Handle handle, const Request& request) override {
    CHECK(request.service == 1);
    CHECK(alive_.emplace(handle, false).second);
  }
  void on_established(Handle handle) override {
    CHECK(alive_.contains(handle) && !alive_[handle]);
    alive_[handle] = true;
  }
  void on_end(Handle handle, End) override { CHECK(alive_.erase(handle) == 1); }

  std::span<const std::byte> input_;
  Manager manager_{*this, {.most_connections = 64}};
  Time now_{};
  std::map<Handle, bool> alive_;
  Handle rejected_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Fuzzed(std::as_bytes(std::span(data, size))).run();
  return 0;
}
