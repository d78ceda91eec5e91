#include "control/registration_files.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "control/reservation_values.h"
#include "lio/aptpl.h"
#include "store/pass_through.h"

namespace srpd::control {

namespace fs = std::filesystem;

RegistrationFiles::~RegistrationFiles() {
  for (const auto& unit : units_) unit->reservations().set_recorder(nullptr);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

// The directory, or what it would be made in.
bool RegistrationFiles::writable() const {
  std::error_code error;
  fs::path at = fs::path(dbroot_) / "pr";
  while (!fs::exists(at, error) && at.has_parent_path() && at != at.parent_path())
    at = at.parent_path();
  return ::access(at.c_str(), W_OK | X_OK) == 0;
}

Expected<void> RegistrationFiles::take_care_of(const std::shared_ptr<scsi::Lu>& unit) {
  if (unit->store().pass_through() != nullptr) return {};
  const std::string path = lio::aptpl_path(dbroot_, unit->identity().unit_serial);
  if (path.empty()) return {};
  auto state = read_registrations(path);
  if (state) unit->reservations().restore(std::move(*state));
  if (writable()) {
    units_.push_back(unit);
    unit->reservations().set_recorder(
        [this, path](const scsi::ReservationState& wanted, std::function<void(bool)> done) {
          post([path, text = registrations_text(wanted), done = std::move(done)] {
            std::error_code error;  // Writing says it better.
            fs::create_directories(fs::path(path).parent_path(), error);
            const auto written = lio::write_aptpl(path, text);
            if (!written) log::warning("{}", written.error().text());
            done(written.has_value());
          });
        });
  }
  if (!state) return tl::make_unexpected(state.error());
  return {};
}

void RegistrationFiles::post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(work));
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_one();
}

// Commands wait for what was posted, so that all of it is done.
void RegistrationFiles::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const auto all = std::exchange(waiting_, {});
    lock.unlock();
    for (const auto& work : all) work();
    lock.lock();
  }
}

}  // namespace srpd::control
