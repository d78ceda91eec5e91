// Listens through RDMA/CM, over IP or natively on InfiniBand. An address that is not there yet, or
// whose device is removed, is waited for.
//
// For every device that connections came from it holds an identifier on it: librdmacm has such a
// device open from then on, and the removal of the device waits until somebody lets go of it.
#pragma once

#include <memory>
#include <vector>

#include "runtime/bound.h"
#include "runtime/loop.h"
#include "transport/verbs/cm.h"
#include "transport/verbs/loop_state.h"
#include "transport/verbs/shared.h"

namespace srpd::transport::verbs {

class VerbsListener final : public Listener, private CmHandler {
 public:
  static Expected<std::unique_ptr<Listener>> open(std::shared_ptr<Shared> shared,
                                                  runtime::Loop& loop, const Address& address,
                                                  Handler& handler);
  ~VerbsListener() override;
  const Address& address() const override { return address_; }

 private:
  /// Notices the removal of a device.
  class DeviceGuard final : public CmHandler {
   public:
    DeviceGuard(VerbsListener& listener, CmId id, std::shared_ptr<Device> device);
    const Device& device() const { return *device_; }

   private:
    void on_cm_event(const CmEvent& event) override;

    VerbsListener& listener_;
    CmId id_;
    std::shared_ptr<Device> device_;
  };

  VerbsListener(std::shared_ptr<Shared> shared, runtime::Loop& loop, const Address& address,
                Handler& handler)
      : shared_(std::move(shared)), loop_(loop), handler_(handler), address_(address) {}

  /// 0, or an errno value.
  int listen();
  void try_again();
  void wait(int error_number);
  void on_cm_event(const CmEvent& event) override;
  void admit(const CmEvent& event);
  void guard(const std::shared_ptr<Device>& device, rdma_cm_id& like);
  void drop(DeviceGuard& guard);

  const std::shared_ptr<Shared> shared_;
  runtime::Loop& loop_;
  Handler& handler_;
  Address address_;
  std::shared_ptr<LoopState> state_;
  CmId id_;
  std::vector<std::unique_ptr<DeviceGuard>> guards_;
  bool waiting_ = false;
  runtime::Bound<runtime::Timer, VerbsListener, &VerbsListener::try_again> alarm_{*this};
};

}  // namespace srpd::transport::verbs
