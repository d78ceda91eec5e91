#include "transport/verbs/loop_state.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace srpd::transport::verbs {
namespace {

tl::unexpected<Error> no_rdma(int error_number) {
  switch (error_number) {
    case ENODEV:
    case ENOENT:
    case EPERM:  // librdmacm's word for a kernel without RDMA/CM
      return failure("RDMA", "this machine has no RDMA device, or its drivers are not loaded",
                     "check with `rdma link`; modprobe rdma_ucm and the adapter's driver");
    case EACCES:
      return failure("RDMA", "permission denied for /dev/infiniband/rdma_cm",
                     "let this user open it (udev rule, group)");
    default:
      return failure("RDMA", "no connection manager: " + errno_text(error_number));
  }
}

}  // namespace

Expected<void> LoopState::open_events() {
  if (channel_ != nullptr) return {};
  rdma_event_channel* const channel = ::rdma_create_event_channel();
  if (channel == nullptr) {
    const int why = errno;
    auto failed = no_rdma(why);
    errno = why;
    return failed;
  }
  ::fcntl(channel->fd, F_SETFL, ::fcntl(channel->fd, F_GETFL) | O_NONBLOCK);
  channel_ = channel;
  if (const int rc = loop_.watch(*this, channel->fd); rc != 0)
    return failure("RDMA", "cannot watch connection events: " + errno_text(-rc));
  return {};
}

LoopState::~LoopState() {
  if (channel_ == nullptr) return;
  loop_.unwatch(*this);
  ::rdma_destroy_event_channel(channel_);
}

CmId LoopState::make_id(rdma_port_space space) {
  rdma_cm_id* id = nullptr;
  if (!open_events() || ::rdma_create_id(channel_, &id, nullptr, space) != 0) return nullptr;
  return CmId(id);
}

void LoopState::on_ready(std::uint32_t) {
  const auto self = shared_from_this();
  rdma_cm_event* event = nullptr;
  while (true) {
    if (::rdma_get_cm_event(channel_, &event) == 0) {
      dispatch(*event);
    } else if (errno != EINTR) {
      if (errno != EAGAIN) log::error("RDMA connection events: {}", errno_text(errno));
      return;
    }
  }
}

void LoopState::dispatch(rdma_cm_event& event) {
  CmEvent copy;
  copy.type = event.event;
  copy.status = event.status;
  copy.id = event.id;
  copy.parameters = event.param.conn;
  if (event.param.conn.private_data != nullptr)
    copy.data_length = std::min<std::size_t>(event.param.conn.private_data_len, copy.data.size());
  if (copy.data_length != 0)
    std::memcpy(copy.data.data(), event.param.conn.private_data, copy.data_length);
  copy.parameters.private_data = nullptr;

  const bool request = event.event == RDMA_CM_EVENT_CONNECT_REQUEST;
  rdma_cm_id& id = request ? *event.listen_id : *event.id;
  if (request) set_handler(*event.id, nullptr);
  if (event.event == RDMA_CM_EVENT_DEVICE_REMOVAL) {
    if (const auto device = devices_.find(id.verbs)) device->mark_removed();
  }
  auto* const handler = static_cast<CmHandler*>(id.context);
  ::rdma_ack_cm_event(&event);
  if (handler != nullptr) {
    handler->on_cm_event(copy);
  } else if (request) {
    ::rdma_destroy_id(copy.id);
  }
}

Expected<std::shared_ptr<LoopContext>> LoopState::context_of(
    const std::shared_ptr<Device>& device, const VerbsOptions& options,
    const std::shared_ptr<const LentMemories>& lent) {
  std::erase_if(contexts_, [](const auto& each) { return each.expired(); });
  for (const auto& each : contexts_) {
    auto context = each.lock();
    if (context && !context->closed() && &context->device() == device.get()) return context;
  }
  auto made = LoopContext::open(loop_, device, options, lent);
  if (made) contexts_.push_back(*made);
  return made;
}

std::shared_ptr<LoopState> LoopStates::of(runtime::Loop& loop, Devices& devices) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const Entry& entry) { return entry.state.expired(); });
  for (const Entry& entry : entries_) {
    if (entry.loop != &loop) continue;
    if (auto state = entry.state.lock()) return state;
  }
  auto made = std::make_shared<LoopState>(loop, devices);
  entries_.push_back({&loop, made});
  return made;
}

}  // namespace srpd::transport::verbs
