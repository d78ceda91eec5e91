// The runtime: messages and bytes between two loops with and without polling, timers, tasks,
// buffers, cached file reads.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "runtime/buffer_pool.h"
#include "runtime/simulated_loop.h"
#include "runtime/task.h"
#include "runtime/thread.h"

namespace srpd::runtime {
namespace {

using Backend = LoopOptions::Backend;

LoopOptions options_of(const benchmark::State& state) {
  LoopOptions options;
  options.backend = state.range(0) == 0 ? Backend::io_uring : Backend::epoll;
  options.poll_budget = std::chrono::microseconds{state.range(1)};
  return options;
}

std::unique_ptr<LoopThread> start(benchmark::State& state) {
  auto thread = LoopThread::start({.name = "bench", .cpu = {}, .loop = options_of(state)});
  if (thread) return std::move(*thread);
  state.SkipWithError(thread.error().text().c_str());
  return nullptr;
}

void arguments(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"epoll", "poll_us"})->ArgsProduct({{0, 1}, {0, 50}})->UseRealTime();
}

// A byte there and back over a socket pair, `batch` times per iteration.
struct Echo final : Watch {
  void on_ready(std::uint32_t) override {
    char byte = 0;
    while (::read(fd, &byte, 1) == 1) {
      if (left > 0 && --left == 0) {
        done.set();
        return;
      }
      if (::write(fd, &byte, 1) != 1) std::abort();
    }
  }
  int fd = -1;
  int left = 0;  // 0: answers for ever
  detail::Signal done;
};

void socket_round_trip(benchmark::State& state) {
  constexpr int batch = 1000;
  const auto client = start(state);
  const auto server = start(state);
  if (client == nullptr || server == nullptr) return;
  for (auto _ : state) {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()) != 0) std::abort();
    Echo ping;
    Echo pong;
    ping.fd = fds[0];
    ping.left = batch;
    pong.fd = fds[1];
    run_on(server->loop(), [&] { server->loop().watch(pong, pong.fd); });
    run_on(client->loop(), [&] {
      client->loop().watch(ping, ping.fd);
      if (::write(ping.fd, "x", 1) != 1) std::abort();
    });
    ping.done.wait();
    run_on(client->loop(), [&] { client->loop().unwatch(ping); });
    run_on(server->loop(), [&] { server->loop().unwatch(pong); });
    ::close(fds[0]);
    ::close(fds[1]);
  }
  state.SetItemsProcessed(state.iterations() * batch);
  client->stop();
  server->stop();
}
BENCHMARK(socket_round_trip)->Apply(arguments);

void mail_round_trip(benchmark::State& state) {
  constexpr int batch = 1000;
  const auto left = start(state);
  const auto right = start(state);
  if (left == nullptr || right == nullptr) return;
  struct Ball : Mail {
    Ball() : Mail([](Mail& self) { static_cast<Ball&>(self).arrive(); }) {}
    void arrive() {
      if (--hits == 0) {
        done.set();
        return;
      }
      at = 1 - at;
      loops[at]->post(*this);
    }
    int hits = 2 * batch;
    std::size_t at = 0;
    std::array<Loop*, 2> loops{};
    detail::Signal done;
  };
  for (auto _ : state) {
    Ball ball;
    ball.loops = {&left->loop(), &right->loop()};
    left->loop().post(ball);
    ball.done.wait();
  }
  state.SetItemsProcessed(state.iterations() * batch);
  left->stop();
  right->stop();
}
BENCHMARK(mail_round_trip)->Apply(arguments);

void cached_file_read(benchmark::State& state) {
  constexpr int batch = 1000;
  const auto thread = start(state);
  if (thread == nullptr) return;
  std::string name = "/tmp/srpd-bench-XXXXXX";
  const int fd = ::mkstemp(name.data());
  ::unlink(name.c_str());
  std::array<char, 4096> data{};
  if (::write(fd, data.data(), data.size()) != 4096) std::abort();
  struct Read : FileOperation {
    Read() : FileOperation([](Completion& self) { static_cast<Read&>(self).finished(); }) {}
    void finished() {
      if (--left == 0) {
        done.set();
      } else if (!queued.queued()) {
        Loop::current()->defer(queued);
      }
    }
    struct Again : Deferred {
      explicit Again(Read& owner)
          : Deferred([](Deferred& self) { static_cast<Again&>(self).read.again(); }), read(owner) {}
      Read& read;
    };
    void again() {
      reset();
      Loop::current()->submit(*this);
    }
    int left = batch;
    iovec part{};
    Again queued{*this};
    detail::Signal done;
  };
  for (auto _ : state) {
    Read read;
    read.fd = fd;
    read.part = {.iov_base = data.data(), .iov_len = data.size()};
    read.buffers = {&read.part, 1};
    run_on(thread->loop(), [&] { thread->loop().submit(read); });
    read.done.wait();
  }
  state.SetItemsProcessed(state.iterations() * batch);
  ::close(fd);
}
BENCHMARK(cached_file_read)->Apply(arguments);

void restart_timer(benchmark::State& state) {
  Simulation simulation(1);
  SimulatedLoop loop(simulation);
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 1000; ++i) {
    timers.push_back(std::make_unique<Timer>([](Timer&) {}));
    loop.start_timer(*timers.back(), Time{1'000'000 + i});
  }
  std::int64_t next = 2'000'000;
  std::size_t i = 0;
  for (auto _ : state) loop.start_timer(*timers[i = (i + 1) % timers.size()], Time{++next});
  for (const auto& timer : timers) loop.cancel_timer(*timer);
}
BENCHMARK(restart_timer);

Task<int> wait_for(Completion& operation) {
  const int rc = co_await operation;
  co_return rc;
}

void task_that_waits(benchmark::State& state) {
  Simulation simulation(1);
  SimulatedLoop loop(simulation);
  Completion operation;
  for (auto _ : state) {
    operation.reset();
    wait_for(operation).detach([](void*, int) {}, nullptr);
    operation.complete(0);
  }
}
BENCHMARK(task_that_waits);

void task_that_does_not_wait(benchmark::State& state) {
  Simulation simulation(1);
  SimulatedLoop loop(simulation);
  Completion operation;
  operation.complete(0);
  for (auto _ : state) wait_for(operation).detach([](void*, int) {}, nullptr);
}
BENCHMARK(task_that_does_not_wait);

void lend_and_release_buffer(benchmark::State& state) {
  BufferPool pool(std::size_t{64} << 20);
  for (auto _ : state) {
    const Buffer buffer = pool.try_acquire(4096);
    benchmark::DoNotOptimize(buffer.data);
    pool.release(buffer);
  }
}
BENCHMARK(lend_and_release_buffer);

}  // namespace
}  // namespace srpd::runtime
