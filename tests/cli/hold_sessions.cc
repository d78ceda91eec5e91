// hold_sessions HOST:PORT COUNT: logs in COUNT times, prints "up COUNT", keeps the sessions idle
// until its standard input ends, and logs out. For the memory and the idle time of srpd.
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "initiator/session.h"
#include "runtime/loop.h"
#include "transport/registry.h"
#include "transport/transport.h"

namespace {

using namespace srpd;

class Held final : public initiator::Session::Observer {
 public:
  struct Count {
    unsigned up = 0, over = 0;
    std::string failure;
  };

  Held(runtime::Loop& loop, transport::Transport& transport,
       const initiator::SessionOptions& options, Count& count)
      : count_(count), session_(loop, transport, options, *this) {}

  void on_up() override { ++count_.up; }
  void on_down(const std::string&) override {}
  void on_over(const Error* error) override {
    ++count_.over;
    if (error != nullptr) count_.failure = error->text();
  }
  initiator::Session& session() { return session_; }

 private:
  Count& count_;
  initiator::Session session_;
};

/// Stops the loop when `condition` holds.
class Until final : public runtime::Poller {
 public:
  Until(runtime::Loop& loop, bool (*condition)(const Held::Count&, unsigned),
        const Held::Count& count, unsigned wanted)
      : loop_(loop), condition_(condition), count_(count), wanted_(wanted) {
    loop_.add_poller(*this);
    if (!condition_(count_, wanted_)) loop_.run();
  }
  ~Until() override { loop_.remove_poller(*this); }
  bool poll() override {
    if (condition_(count_, wanted_)) loop_.stop();
    return false;
  }

 private:
  runtime::Loop& loop_;
  bool (*condition_)(const Held::Count&, unsigned);
  const Held::Count& count_;
  unsigned wanted_;
};

void raise_file_limit() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Idles on the loop until standard input ends.
void wait_for_end_of_input(runtime::Loop& loop) {
  std::thread reader([&loop] {
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
    loop.stop();
  });
  loop.run();
  reader.join();
}

int hold(const char* endpoint, unsigned wanted) {
  const auto address = transport::Address::parse(endpoint, 5555);
  runtime::LoopOptions loop_options;
  loop_options.poll_budget = std::chrono::microseconds(0);
  const auto loop = runtime::make_loop(loop_options);
  if (!address || !loop) return 2;
  const auto transport = transport::find_transport("iwarp")->make();
  Held::Count count;
  std::vector<std::unique_ptr<Held>> held;
  for (unsigned i = 0; i < wanted && count.failure.empty(); ++i) {
    initiator::SessionOptions options;
    options.address = *address;
    options.initiator[14] = static_cast<decltype(options.initiator)::value_type>(i >> 8);
    options.initiator[15] = static_cast<decltype(options.initiator)::value_type>(i);
    options.initiator[0] = static_cast<decltype(options.initiator)::value_type>(1);
    options.reconnect = false;
    held.push_back(std::make_unique<Held>(**loop, *transport, options, count));
    held.back()->session().open();
    Until(
        **loop, [](const Held::Count& c, unsigned n) { return c.up >= n || c.over > 0; }, count,
        i + 1);
  }
  if (!count.failure.empty()) {
    std::fprintf(stderr, "%s\n", count.failure.c_str());
    return 1;
  }
  std::printf("up %u\n", count.up);
  std::fflush(stdout);
  wait_for_end_of_input(**loop);
  for (const auto& one : held) one->session().close();
  Until(**loop, [](const Held::Count& c, unsigned n) { return c.over >= n; }, count, wanted);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  unsigned wanted = 0;
  if (argc == 3) std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), wanted);
  if (wanted == 0) {
    std::fprintf(stderr, "usage: hold_sessions HOST:PORT COUNT\n");
    return 2;
  }
  raise_file_limit();
  return hold(argv[1], wanted);
}
