#include "unit/store/store_suite.h"

#include <filesystem>

#include "base/random.h"
#include "runtime/simulated_loop.h"
#include "store/registry.h"

namespace srpd::store::test {
namespace {

using runtime::Loop;
using runtime::Time;
using runtime::Timer;

class HostLoopBench final : public LoopBench {
 public:
  explicit HostLoopBench(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
  Loop& loop() override { return *loop_; }

  bool run_until(const std::function<bool()>& done, Time limit) override {
    if (done()) return true;
    Check check(*loop_, done);
    Expiry expiry(*loop_);
    loop_->add_poller(check);
    loop_->start_timer(expiry, loop_->now() + limit);
    loop_->run();
    loop_->cancel_timer(expiry);
    loop_->remove_poller(check);
    return check.reached;
  }

 private:
  struct Check final : runtime::Poller {
    Check(Loop& on, const std::function<bool()>& condition) : loop(on), done(condition) {}
    bool poll() override {
      if (!reached && done()) {
        reached = true;
        loop.stop();
      }
      return false;
    }
    Loop& loop;
    const std::function<bool()>& done;
    bool reached = false;
  };
  struct Expiry : Timer {
    explicit Expiry(Loop& on)
        : Timer([](Timer& self) { static_cast<Expiry&>(self).loop.stop(); }), loop(on) {}
    Loop& loop;
  };

  std::unique_ptr<Loop> loop_;
};

class SimulatedLoopBench final : public LoopBench {
 public:
  Loop& loop() override { return loop_; }
  bool run_until(const std::function<bool()>& done, Time limit) override {
    return simulation_.run_until(done, simulation_.now() + limit);
  }

 private:
  runtime::Simulation simulation_{1};
  runtime::SimulatedLoop loop_{simulation_};
};

/// Starts an operation from inside the loop, where the frames of coroutines come from.
struct Start : runtime::Deferred {
  Start(Loop& on, Backstore& to, Operation& what)
      : Deferred([](Deferred& self) {
          const Start& start = static_cast<Start&>(self);
          start.store.submit(start.loop, start.operation);
        }),
        loop(on),
        store(to),
        operation(what) {}
  Loop& loop;
  Backstore& store;
  Operation& operation;
};

}  // namespace

std::unique_ptr<LoopBench> make_loop_bench(const std::string& kind) {
  if (kind == "simulated") return std::make_unique<SimulatedLoopBench>();
  runtime::LoopOptions options;
  options.backend = kind == "epoll" ? runtime::LoopOptions::Backend::epoll
                                    : runtime::LoopOptions::Backend::io_uring;
  auto loop = runtime::make_loop(options);
  if (!loop) return nullptr;
  return std::make_unique<HostLoopBench>(std::move(*loop));
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = ::testing::TempDir() + "/srpd-store-XXXXXX";
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() { std::filesystem::remove_all(path_); }

int Driver::run(Operation& operation) {
  Start start(bench_.loop(), store_, operation);
  bench_.loop().defer(start);
  EXPECT_TRUE(bench_.run_until([&] { return operation.done(); }));
  last_result_ = operation.result();
  last_error_offset_ = operation.error_offset;
  return last_result_;
}

int Driver::write(std::uint64_t offset, const std::vector<char>& data, bool fua) {
  Operation operation;
  const iovec piece{const_cast<char*>(data.data()), data.size()};
  operation.kind = Operation::Kind::write;
  operation.fua = fua;
  operation.offset = offset;
  operation.length = data.size();
  operation.buffers = {&piece, 1};
  return run(operation);
}

int Driver::write_in_pieces(std::uint64_t offset, const std::vector<char>& data,
                            std::size_t pieces) {
  std::vector<iovec> vector;
  const std::size_t each = data.size() / pieces;
  for (std::size_t i = 0; i < pieces; ++i) {
    const std::size_t length = i + 1 < pieces ? each : data.size() - each * i;
    vector.push_back({const_cast<char*>(data.data()) + each * i, length});
  }
  Operation operation;
  operation.kind = Operation::Kind::write;
  operation.offset = offset;
  operation.length = data.size();
  operation.buffers = vector;
  return run(operation);
}

std::vector<char> Driver::read(std::uint64_t offset, std::size_t length) {
  std::vector<char> data(length, '#');
  const iovec piece{data.data(), data.size()};
  Operation operation;
  operation.kind = Operation::Kind::read;
  operation.offset = offset;
  operation.length = length;
  operation.buffers = {&piece, 1};
  if (run(operation) != 0) data.clear();
  return data;
}

int Driver::command(Operation::Kind kind, std::uint64_t offset, std::uint64_t length,
                    bool may_unmap) {
  Operation operation;
  operation.kind = kind;
  operation.offset = offset;
  operation.length = length;
  operation.may_unmap = may_unmap;
  return run(operation);
}

std::vector<char> pattern(std::size_t length, std::uint64_t seed) {
  Random random(seed);
  std::vector<char> data(length);
  for (char& c : data) c = static_cast<char>(1 + random.below(255));
  return data;
}

std::vector<StoreKind> store_kinds() {
  return {{"ramdisk", "ramdisk"},
          {"null", "null", false, false, false},
          {"buffered", "fileio"},
          {"dsync", "fileio", false, true},
          {"direct", "fileio", true, false},
          {"direct_dsync", "fileio", true, true},
          {"iblock", "iblock"},
          {"protected_ramdisk", "ramdisk", false, false, true, true},
          {"protected_buffered", "fileio", false, false, true, true},
          {"protected_direct_dsync", "fileio", true, true, true, true}};
}

Specification StoreTest::specification() const {
  Specification specification;
  specification.type = kind().type;
  specification.name = "disk0";
  if (kind().type == "fileio") specification.path = directory_.file("disk.img");
  if (device_ != nullptr) specification.path = device_->path();
  specification.size = size;
  specification.direct = kind().direct;
  specification.dsync = kind().dsync;
  return specification;
}

void StoreTest::SetUp() {
  const std::string& loop = std::get<1>(GetParam());
  bench_ = make_loop_bench(loop);
  if (bench_ == nullptr) GTEST_SKIP() << loop << " is refused on this machine";
  if (kind().type == "iblock") {
    std::string why;
    device_ = LoopDevice::make({.size = size}, why);
    if (device_ == nullptr) GTEST_SKIP() << why;
  }
  auto opened = open(specification(), bench_->loop());
  if (!opened && kind().direct) GTEST_SKIP() << opened.error().text();
  ASSERT_TRUE(opened) << opened.error().text();
  store_ = std::move(*opened);
  if (kind().with_protection) {
    auto made = protect(std::move(store_), specification(), {.type = ProtectionType::type_1},
                        bench_->loop());
    ASSERT_TRUE(made) << made.error().text();
    store_ = std::move(*made);
  }
  driver_ = std::make_unique<Driver>(*bench_, *store_);
}

void StoreTest::TearDown() {
  driver_.reset();
  store_.reset();
}

}  // namespace srpd::store::test
