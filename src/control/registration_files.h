// Registrations that survive a loss of power where no tree is: units of the command line or of a
// file of --config. Files are written by a thread of their own, one after the other.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "scsi/lu.h"

namespace srpd::control {

class RegistrationFiles {
 public:
  /// Files are below `dbroot`/pr/, which is made when the first one is written.
  explicit RegistrationFiles(std::string dbroot) : dbroot_(std::move(dbroot)) {}
  /// When no command of the units is under way.
  ~RegistrationFiles();
  RegistrationFiles(const RegistrationFiles&) = delete;
  RegistrationFiles& operator=(const RegistrationFiles&) = delete;

  /// Before hosts see the unit: restores what was kept, and keeps what comes. Where nothing can be
  /// written hosts are told that nothing is kept. An error is that of what was kept.
  Expected<void> take_care_of(const std::shared_ptr<scsi::Lu>& unit);

 private:
  bool writable() const;
  void post(std::function<void()> work);
  void run();

  const std::string dbroot_;
  std::vector<std::shared_ptr<scsi::Lu>> units_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace srpd::control
