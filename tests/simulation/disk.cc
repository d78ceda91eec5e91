#include "disk.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "base/check.h"
#include "store/ramdisk.h"

namespace srpd::simulation {
namespace {

// What a unit owns of a disk that outlives it.
class Borrowed final : public store::Backstore {
 public:
  explicit Borrowed(store::Backstore& store) : store_(store) {}

  const store::Properties& properties() const override { return store_.properties(); }
  std::uint64_t size() const override { return store_.size(); }
  std::string description() const override { return store_.description(); }
  void submit(runtime::Loop& loop, store::Operation& operation) override {
    store_.submit(loop, operation);
  }

 private:
  store::Backstore& store_;
};

}  // namespace

Disk::Disk(runtime::SimulatedLoop& home, std::uint32_t number, std::uint64_t blocks, Random random,
           Bug bug)
    : number_(number), random_(random), bug_(bug) {
  store::Specification specification{.type = "ramdisk",
                                     .name = fmt::format("disk{}", number),
                                     .path = {},
                                     .size = std::max<std::uint64_t>(blocks * block_size, 4096)};
  auto ramdisk = store::open_ramdisk(specification, home);
  CHECK(ramdisk.has_value());
  auto errors = std::make_unique<store::WrapError>(std::move(*ramdisk));
  errors_ = errors.get();
  store_ = std::make_unique<store::WrapDelay>(
      std::move(errors), [this](const store::Operation& operation) { return plan(operation); });
  renew();
}

void Disk::renew() {
  scsi::LuIdentity identity;
  identity.name = fmt::format("disk{}", number_);
  identity.unit_serial = fmt::format("5f1c0000-0000-4000-8000-{:012x}", number_);
  lu_ = std::make_shared<scsi::Lu>(identity, scsi::default_attributes(store_->properties()),
                                   std::make_unique<Borrowed>(*store_));
}

void Disk::calm() {
  calm_ = true;
  errors_->clear();
}

void Disk::let_go(runtime::Loop& loop) {
  if (bug_ != Bug::hang || calm_) store_->release(loop);
}

runtime::Time Disk::plan(const store::Operation& operation) {
  if (calm_) return runtime::Time{0};
  if (bug_ == Bug::hang && random_.one_in(20)) return store::WrapDelay::hang;
  if (bug_ == Bug::data && operation.kind == store::Operation::Kind::write && random_.one_in(20)) {
    // Whatever the operation's buffers belong to by then, it is what the disk gets.
    auto* const first = static_cast<std::byte*>(operation.buffers[0].iov_base);
    first[random_.below(operation.buffers[0].iov_len)] ^= std::byte{1};
  }
  if (random_.one_in(100))
    errors_->inject({.kinds = store::Fault::all_kinds,
                     .first = random_.below(4 * share_blocks) * block_size,
                     .length = block_size,
                     .times = 1,
                     .after_the_work = random_.one_in(2)});
  if (random_.one_in(200)) return store::WrapDelay::hang;
  if (random_.one_in(50)) return std::chrono::milliseconds(random_.below(3000));
  return std::chrono::microseconds(random_.below(300));
}

}  // namespace srpd::simulation
