// Listens through RDMA/CM, over IP or natively on InfiniBand. An address that is not there yet, or
// whose device is removed, is waited for.
//
// Every device that connections may come from is guarded (device_guard.h): those that are there
// when it begins, those that come later, which it looks for now and then, and at the latest at the
// first connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/bound.h"
#include "runtime/loop.h"
#include "transport/verbs/cm.h"
#include "transport/verbs/device_guard.h"
#include "transport/verbs/loop_state.h"
#include "transport/verbs/shared.h"

namespace srpd::transport::verbs {

class VerbsListener final : public Listener, private CmHandler, private DeviceGuard::Owner {
 public:
  static Expected<std::unique_ptr<Listener>> open(std::shared_ptr<Shared> shared,
                                                  runtime::Loop& loop, const Address& address,
                                                  Handler& handler);
  ~VerbsListener() override;
  const Address& address() const override { return address_; }

 private:
  VerbsListener(std::shared_ptr<Shared> shared, runtime::Loop& loop, const Address& address,
                Handler& handler)
      : shared_(std::move(shared)), loop_(loop), handler_(handler), address_(address) {}

  /// 0, or an errno value.
  int listen();
  void try_again();
  void wait(int error_number);
  void on_cm_event(const CmEvent& event) override;
  void admit(const CmEvent& event);
  void look_for_devices();
  bool guarded(const Device& device) const;
  void guard(Address address);
  void on_device_removed(DeviceGuard& guard) override;

  const std::shared_ptr<Shared> shared_;
  runtime::Loop& loop_;
  Handler& handler_;
  Address address_;
  std::shared_ptr<LoopState> state_;
  CmId id_;
  std::vector<std::unique_ptr<DeviceGuard>> guards_;
  bool waiting_ = false;
  std::string surroundings_;  // as they were at the last look
  unsigned looks_ = 0;        // still to come since they changed
  runtime::Bound<runtime::Timer, VerbsListener, &VerbsListener::try_again> alarm_{*this};
  runtime::Bound<runtime::Timer, VerbsListener, &VerbsListener::look_for_devices> look_{*this};
};

}  // namespace srpd::transport::verbs
