// A device that a listener takes connections of. While it is there, what connections need of it is
// kept ready on every loop that they may live on, so that the first login takes no longer than
// those that follow. An identifier on the device notices its removal, which waits until all of this
// is let go of.
#pragma once

#include <memory>
#include <vector>

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

  Owner& owner_;
  std::shared_ptr<Anchor> anchor_;
  std::vector<Part*> parts_;  // one for each loop; each destroys itself there
};

}  // namespace srpd::transport::verbs
