#include "transport/verbs/device_guard.h"

#include <utility>

#include "base/log.h"
#include "transport/verbs/loop_context.h"

namespace srpd::transport::verbs {

// What every part uses. Goes on the loop of the identifier, and the identifier behind the device.
struct DeviceGuard::Anchor : runtime::Mail {
  Anchor(std::shared_ptr<LoopState> of, CmId on, std::shared_ptr<Device> which)
      : Mail([](Mail& self) { delete &static_cast<Anchor&>(self); }),
        state(std::move(of)),
        id(std::move(on)),
        device(std::move(which)) {}

  static void send_home(Anchor* anchor) {
    runtime::Loop& loop = anchor->state->loop();
    if (loop.is_current()) {
      delete anchor;
    } else {
      loop.post(*anchor);
    }
  }

  const std::shared_ptr<LoopState> state;
  const CmId id;
  const std::shared_ptr<Device> device;
};

// What one loop keeps ready.
struct DeviceGuard::Part {
  Part(const std::shared_ptr<Shared>& of, std::shared_ptr<Anchor> on, runtime::Loop& where)
      : shared(of), anchor(std::move(on)), loop(where) {
    if (loop.is_current()) {
      prepare();
    } else {
      loop.post(preparing);
    }
  }

  void leave() {
    if (loop.is_current()) {
      let_go();
    } else {
      loop.post(leaving);
    }
  }

  void prepare() {
    if (auto kept = keep(); !kept)
      log::warning("{}: logins will fail: {}", anchor->device->name(), kept.error().text());
  }

  Expected<void> keep() {
    auto found = shared->loops.of(loop, shared->devices);
    if (auto opened = found->open_events(); !opened) return opened;
    auto made = found->context_of(anchor->device, shared->options, shared->lent);
    if (!made) return tl::unexpected<Error>(made.error());
    if (auto reserved = (*made)->reserve(); !reserved) return reserved;
    state = std::move(found);
    context = std::move(*made);
    return {};
  }

  void let_go() {
    if (context != nullptr) context->unreserve();
    delete this;
  }

  const std::shared_ptr<Shared> shared;
  const std::shared_ptr<Anchor> anchor;
  runtime::Loop& loop;
  std::shared_ptr<LoopState> state;
  std::shared_ptr<LoopContext> context;
  runtime::Bound<runtime::Mail, Part, &Part::prepare> preparing{*this};
  runtime::Bound<runtime::Mail, Part, &Part::let_go> leaving{*this};
};

DeviceGuard::DeviceGuard(const std::shared_ptr<Shared>& shared, std::shared_ptr<LoopState> state,
                         CmId id, std::shared_ptr<Device> device, Owner& owner)
    : owner_(owner),
      anchor_(new Anchor(std::move(state), std::move(id), std::move(device)), &Anchor::send_home),
      interval_(shared->options.removal_interval) {
  set_handler(*anchor_->id, this);
  for (runtime::Loop* const loop : shared->homes)
    parts_.push_back(new Part(shared, anchor_, *loop));
  start_looking();
}

DeviceGuard::~DeviceGuard() {
  set_handler(*anchor_->id, nullptr);
  anchor_->state->loop().cancel_timer(look_);
  for (Part* const part : parts_) part->leave();
}

const Device& DeviceGuard::device() const { return *anchor_->device; }

void DeviceGuard::on_cm_event(const CmEvent& event) {
  if (event.type == RDMA_CM_EVENT_DEVICE_REMOVAL) removed();
}

void DeviceGuard::look() {
  if (anchor_->device->look_whether_removed()) return removed();
  start_looking();
}

void DeviceGuard::start_looking() {
  runtime::Loop& loop = anchor_->state->loop();
  loop.start_timer(look_, loop.now() + interval_);
}

void DeviceGuard::removed() {
  log::warning("{}: the device is being removed; its sessions end", device().name());
  owner_.on_device_removed(*this);
}

}  // namespace srpd::transport::verbs
