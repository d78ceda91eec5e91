// A device that a listener takes connections of. While it is there, what connections need of it is
// kept ready on every loop that they may live on, so that the first login takes no longer than
// those that follow. Its removal, which waits until all of this is let go of, is noticed by an
// identifier on it, or by looking for it once in a while.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "runtime/bound.h"
#include "runtime/loop.h"
#include "transport/verbs/cm.h"
#include "transport/verbs/device.h"
#include "transport/verbs/loop_state.h"
#include "transport/verbs/shared.h"

namespace srpd::transport::verbs {

class DeviceGuard final : private CmHandler {
 public:
  class Owner {
   public:
    /// Destroys `guard`.
    virtual void on_device_removed(DeviceGuard& guard) = 0;

   protected:
    ~Owner() = default;
  };

  /// On the loop of `state`, where events of `id` arrive; `id` is bound to the device.
  DeviceGuard(const std::shared_ptr<Shared>& shared, std::shared_ptr<LoopState> state, CmId id,
              std::shared_ptr<Device> device, Owner& owner);
  /// What is kept on other loops is let go of a moment later.
  ~DeviceGuard();

  const Device& device() const;

 private:
  struct Anchor;
  struct Part;
  void on_cm_event(const CmEvent& event) override;
  void look();
  void start_looking();
  void removed();

  Owner& owner_;
  std::shared_ptr<Anchor> anchor_;
  const std::chrono::milliseconds interval_;
  std::vector<Part*> parts_;  // one for each loop; each destroys itself there
  runtime::Bound<runtime::Timer, DeviceGuard, &DeviceGuard::look> look_{*this};
};

}  // namespace srpd::transport::verbs
