// What every backstore must do is tested once, for every store on every kind of loop: StoreTest is
// parametrised by both. run() starts an operation on the loop and drives it until it has completed.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "runtime/loop.h"
#include "store/backstore.h"
#include "store/specification.h"

namespace srpd::store::test {

using namespace std::chrono_literals;

/// A loop of one kind and the way to run it.
class LoopBench {
 public:
  virtual ~LoopBench() = default;
  virtual runtime::Loop& loop() = 0;
  /// False when `limit` of its own time was not enough.
  virtual bool run_until(const std::function<bool()>& done, runtime::Time limit = 20s) = 0;
};

/// "io_uring", "epoll", "simulated"; null where the machine refuses that kind.
std::unique_ptr<LoopBench> make_loop_bench(const std::string& kind);

/// A directory that is removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Operations on a store, one after the other.
class Driver {
 public:
  Driver(LoopBench& bench, Backstore& store) : bench_(bench), store_(store) {}

  int run(Operation& operation);
  int write(std::uint64_t offset, const std::vector<char>& data, bool fua = false);
  /// `pieces`: how many iovecs the data are spread over.
  int write_in_pieces(std::uint64_t offset, const std::vector<char>& data, std::size_t pieces);
  /// What is there; empty when the read failed (then last_result() says why).
  std::vector<char> read(std::uint64_t offset, std::size_t length);
  int command(Operation::Kind kind, std::uint64_t offset, std::uint64_t length,
              bool may_unmap = false);
  int flush() { return command(Operation::Kind::flush, 0, 0); }

  int last_result() const { return last_result_; }
  std::uint64_t last_error_offset() const { return last_error_offset_; }

 private:
  LoopBench& bench_;
  Backstore& store_;
  int last_result_ = 0;
  std::uint64_t last_error_offset_ = 0;
};

/// A block device whose blocks are a file: the kernel's loop driver. Detached with its last user.
class LoopDevice {
 public:
  struct Options {
    std::uint64_t size = 16u << 20;
    std::uint32_t block_size = 512;
    bool read_only = false;
  };
  /// Null where the kernel or the rights are missing; `why` says which.
  static std::unique_ptr<LoopDevice> make(const Options& options, std::string& why);
  ~LoopDevice();
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;

  const std::string& path() const { return path_; }
  /// What sysfs says in the queue folder of the device.
  std::string queue(const std::string& attribute) const;
  /// The device gets another size, as if it were extended, or taken away (0).
  void resize(std::uint64_t size);
  /// Bytes that the file really takes.
  std::uint64_t allocated() const;

 private:
  LoopDevice() = default;
  int attach(const Options& options);

  TemporaryDirectory directory_;
  std::string path_;
  int number_ = -1;
  int device_ = -1;
  int file_ = -1;
};

/// Bytes that depend on `seed` and their position.
std::vector<char> pattern(std::size_t length, std::uint64_t seed);

struct StoreKind {
  std::string name;
  std::string type;
  bool direct = false;
  bool dsync = false;
  bool keeps_data = true;
  bool with_protection = false;  ///< a ProtectedStore in front of it
};
std::vector<StoreKind> store_kinds();

class StoreTest : public ::testing::TestWithParam<std::tuple<StoreKind, std::string>> {
 public:
  static constexpr std::uint64_t size = 16u << 20;

 protected:
  void SetUp() override;
  void TearDown() override;

  const StoreKind& kind() const { return std::get<0>(GetParam()); }
  LoopBench& bench() { return *bench_; }
  Backstore& store() { return *store_; }
  Driver& driver() { return *driver_; }
  Specification specification() const;
  const TemporaryDirectory& directory() const { return directory_; }
  const LoopDevice* device() const { return device_.get(); }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<LoopDevice> device_;
  std::unique_ptr<LoopBench> bench_;
  std::unique_ptr<Backstore> store_;
  std::unique_ptr<Driver> driver_;
};

}  // namespace srpd::store::test
