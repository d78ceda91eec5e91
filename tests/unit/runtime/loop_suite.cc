#include "unit/runtime/loop_suite.h"

#include "runtime/simulated_loop.h"

namespace srpd::runtime::test {
namespace {

class HostBench final : public Bench {
 public:
  explicit HostBench(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
  Loop& loop() override { return *loop_; }

  bool run_until(const std::function<bool()>& done, Time limit) override {
    bool reached = done();
    TestPoller check([&] {
      if (!reached && done()) {
        reached = true;
        loop_->stop();
      }
      return false;
    });
    if (reached) return true;
    TestTimer expired([&] { loop_->stop(); });
    loop_->add_poller(check);
    loop_->start_timer(expired, loop_->now() + limit);
    loop_->run();
    loop_->cancel_timer(expired);
    loop_->remove_poller(check);
    return reached;
  }

 private:
  std::unique_ptr<Loop> loop_;
};

class SimulatedBench final : public Bench {
 public:
  Loop& loop() override { return loop_; }
  bool run_until(const std::function<bool()>& done, Time limit) override {
    return simulation_.run_until(done, simulation_.now() + limit);
  }

 private:
  Simulation simulation_{1};
  SimulatedLoop loop_{simulation_};
};

}  // namespace

std::unique_ptr<Bench> make_bench(const std::string& kind, const LoopOptions& options) {
  if (kind == "simulated") return std::make_unique<SimulatedBench>();
  LoopOptions chosen = options;
  chosen.backend = kind == "epoll" ? LoopOptions::Backend::epoll : LoopOptions::Backend::io_uring;
  auto loop = make_loop(chosen);
  if (!loop) return nullptr;
  return std::make_unique<HostBench>(std::move(*loop));
}

}  // namespace srpd::runtime::test
