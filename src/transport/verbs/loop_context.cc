#include "transport/verbs/loop_context.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "base/log.h"
#include "transport/verbs/channel.h"

namespace srpd::transport::verbs {
namespace {

// Entries of one completion queue, if the device has so many: a shared receive queue and some
// hundred connections.
constexpr int queue_entries = 16'384;
// Buffers the shared receive queue begins with, and grows by.
constexpr std::uint32_t shared_first = 128;
constexpr std::uint32_t shared_step = 64;
// Most completions handled in one go.
constexpr int poll_budget = 256;

void make_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

struct Forwarded : runtime::Mail {
  Forwarded(std::shared_ptr<LoopContext> to, const AsyncEvent& what)
      : Mail([](Mail& self) {
          const std::unique_ptr<Forwarded> forwarded(&static_cast<Forwarded&>(self));
          forwarded->context->handle(forwarded->event);
        }),
        context(std::move(to)),
        event(what) {}
  std::shared_ptr<LoopContext> context;
  AsyncEvent event;
};

}  // namespace

Expected<std::shared_ptr<LoopContext>> LoopContext::open(
    runtime::Loop& loop, std::shared_ptr<Device> device, const VerbsOptions& options,
    const std::shared_ptr<const LentMemories>& lent) {
  std::shared_ptr<LoopContext> made(new LoopContext(loop, std::move(device), options, lent));
  if (auto prepared = made->prepare(); !prepared) return tl::unexpected<Error>(prepared.error());
  made->device_->add(made);
  return made;
}

LoopContext::LoopContext(runtime::Loop& loop, std::shared_ptr<Device> device,
                         const VerbsOptions& options,
                         const std::shared_ptr<const LentMemories>& lent)
    : loop_(loop),
      device_(std::move(device)),
      options_(options),
      memory_(std::make_unique<MemoryMap>(*device_, loop.buffers(), lent)),
      slots_(std::make_unique<SendSlots>(*device_)),
      keep_alive_(loop, *this, {options.keep_alive_idle, options.answer_timeout}) {}

LoopContext::~LoopContext() {
  CHECK(users_ == 0);
  close();
}

Expected<void> LoopContext::prepare() {
  ibv_context& context = device_->context();
  announcements_ = ::ibv_create_comp_channel(&context);
  if (announcements_ == nullptr)
    return failure(device_->name(), "no completion channel: " + errno_text(errno));
  make_nonblocking(announcements_->fd);
  make_nonblocking(context.async_fd);
  int rc = loop_.watch(completion_watch_, announcements_->fd);
  if (rc == 0) rc = loop_.watch(async_watch_, context.async_fd);
  if (rc != 0) return failure(device_->name(), "cannot watch its events: " + errno_text(-rc));
  loop_.add_poller(*this);
  look_whether_removed();
  return {};
}

// Everything of the device, in the order of what depends on what.
void LoopContext::close() {
  if (closed()) return;
  if (announcements_ != nullptr) {
    loop_.unwatch(completion_watch_);
    loop_.unwatch(async_watch_);
    loop_.remove_poller(*this);
  }
  loop_.cancel_deferred(repost_);
  loop_.cancel_timer(look_);
  if (shared_ != nullptr) ::ibv_destroy_srq(shared_);
  shared_ = nullptr;
  for (auto& each : queues_) ::ibv_destroy_cq(each->queue);
  queues_.clear();
  if (announcements_ != nullptr) ::ibv_destroy_comp_channel(announcements_);
  for (auto& each : buffers_) each->deregister();
  slots_.reset();
  memory_.reset();
  device_.reset();
}

// Seats

Expected<void> LoopContext::reserve() {
  auto shared = share_receives(options_.shared_receive_size);
  if (!shared) return tl::unexpected<Error>(shared.error());
  auto queue = queue_with_room(1);
  if (!queue) return tl::unexpected<Error>(queue.error());
  ++users_;
  return {};
}

void LoopContext::unreserve() {
  if (--users_ == 0) close();
}

// An iWARP adapter that finds no receive buffer ends the connection; InfiniBand repeats the message
// (RNR NAK). So only the latter can share fewer buffers than were promised.
Expected<bool> LoopContext::share_receives(std::uint32_t size) {
  if (device_->iwarp() || size > options_.shared_receive_size || !open_shared_queue()) return false;
  if (shared_target_ == 0) grow_shared();
  if (shared_target_ == 0)
    return tl::unexpected(
        registration_error(device_->name(), options_.shared_receive_size, ENOMEM));
  return true;
}

Expected<LoopContext::Seat> LoopContext::take_seat(VerbsChannel& channel, std::uint32_t sends,
                                                   std::uint32_t receives,
                                                   std::uint32_t receive_size) {
  Seat seat;
  const auto shared = share_receives(receive_size);
  if (!shared) return tl::unexpected<Error>(shared.error());
  if (*shared) {
    seat.shared = shared_;
    receive_size = options_.shared_receive_size;
    receives = 0;
  }
  seat.receives = &buffers_of(receive_size);
  seat.reserved = sends + receives;
  auto queue = queue_with_room(seat.reserved);
  if (!queue) return tl::unexpected<Error>(queue.error());
  (*queue)->free -= seat.reserved;
  seat.queue = (*queue)->queue;
  if (free_seats_.empty()) {
    free_seats_.push_back(static_cast<std::uint32_t>(seats_.size()));
    seats_.push_back(nullptr);
  }
  seat.index = free_seats_.back();
  free_seats_.pop_back();
  seats_[seat.index] = &channel;
  keep_alive_.add(channel);
  ++users_;
  return seat;
}

void LoopContext::set_queue_pair(const Seat& seat, std::uint32_t number) {
  by_number_[number] = seats_[seat.index];
}

void LoopContext::give_seat(const Seat& seat, std::uint32_t queue_pair) {
  by_number_.erase(queue_pair);
  if (last_channel_ == seats_[seat.index]) last_channel_ = nullptr;
  keep_alive_.remove(*seats_[seat.index]);
  seats_[seat.index] = nullptr;
  free_seats_.push_back(seat.index);
  for (auto& each : queues_) {
    if (each->queue == seat.queue) each->free += seat.reserved;
  }
  drop_unused_queues();
  unreserve();
}

// The first stays for the next connection; more are for hundreds of them.
void LoopContext::drop_unused_queues() {
  while (queues_.size() > 1 && queues_.back()->free == queues_.back()->capacity) {
    ::ibv_destroy_cq(queues_.back()->queue);
    queues_.pop_back();
  }
}

Expected<LoopContext::CompletionQueue*> LoopContext::queue_with_room(std::uint32_t entries) {
  for (auto& each : queues_) {
    if (each->free >= entries) return each.get();
  }
  const int most = device_->limits().max_cqe;
  ibv_context& context = device_->context();
  auto made = std::make_unique<CompletionQueue>();
  const int vector = device_->next_vector();
  made->counter = &device_->counter_of(loop_, vector);
  made->queue =
      ::ibv_create_cq(&context, std::min(queue_entries, most), nullptr, announcements_, vector);
  if (made->queue == nullptr)
    return failure(device_->name(), "no completion queue: " + errno_text(errno));
  // The shared receives of all connections may complete into each of the queues.
  const auto granted = static_cast<std::uint32_t>(made->queue->cqe);
  made->free = granted > shared_most_ ? granted - shared_most_ : 0;
  made->capacity = made->free;
  const bool fits = made->free >= entries;
  queues_.push_back(std::move(made));
  if (fits) return queues_.back().get();
  return failure(device_->name(),
                 "its completion queues hold " + std::to_string(granted) + " entries only",
                 "lower srpt_srq_size or srpd's credits");
}

ReceiveBuffers& LoopContext::buffers_of(std::uint32_t size) {
  for (auto& each : buffers_) {
    if (each->size() == size) return *each;
  }
  return *buffers_.emplace_back(std::make_unique<ReceiveBuffers>(*device_, size));
}

// Completions

bool LoopContext::poll() {
  bool found = false;
  for (std::size_t i = 0; i < queues_.size(); ++i) found |= poll(*queues_[i]);
  return found;
}

bool LoopContext::poll(CompletionQueue& completions) {
  std::array<ibv_wc, 32> found;
  int handled = 0;
  while (handled < poll_budget) {
    const int count =
        ::ibv_poll_cq(completions.queue, static_cast<int>(found.size()), found.data());
    if (count <= 0) break;
    completions.counter->completions.add(static_cast<std::uint64_t>(count));
    for (int i = 0; i < count; ++i) dispatch(found[static_cast<std::size_t>(i)]);
    handled += count;
    if (count < static_cast<int>(found.size())) break;
  }
  return handled > 0;
}

void LoopContext::poll_dry() {
  while (poll()) {
  }
}

// Only what completes after the request for a notification is announced, so that a look afterwards
// finds what came before.
bool LoopContext::prepare_sleep() {
  bool found = false;
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    CompletionQueue& completions = *queues_[i];
    if (completions.armed) continue;
    completions.armed = ::ibv_req_notify_cq(completions.queue, 0) == 0;
    found |= poll(completions);
  }
  return found;
}

void LoopContext::completions_announced() {
  ibv_cq* queue = nullptr;
  void* unused = nullptr;
  while (::ibv_get_cq_event(announcements_, &queue, &unused) == 0) {
    ::ibv_ack_cq_events(queue, 1);
    for (auto& each : queues_) {
      if (each->queue != queue) continue;
      each->armed = false;
      each->counter->events.add();
    }
  }
  poll();
}

void LoopContext::dispatch(const ibv_wc& completion) {
  if ((completion.wr_id & receive_flag) == 0) {
    VerbsChannel* const channel = seats_[completion.wr_id >> 32];
    if (channel != nullptr)
      channel->on_sent(static_cast<std::uint32_t>(completion.wr_id), completion);
    return;
  }
  auto& buffer = *reinterpret_cast<ReceiveBuffer*>(
      static_cast<std::uintptr_t>(completion.wr_id & ~receive_flag));
  VerbsChannel* const channel = find(completion.qp_num);
  const bool shared = shared_ != nullptr && buffer.owner->size() == options_.shared_receive_size &&
                      (channel == nullptr || channel->shares_receives());
  if (shared) {
    --shared_posted_;
    if (shared_posted_ * 4 < shared_target_) grow_shared();
  }
  if (channel != nullptr) return channel->on_received(buffer, completion);
  if (shared) {
    return_shared(buffer);
  } else {
    buffer.owner->give(buffer);
  }
}

VerbsChannel* LoopContext::find(std::uint32_t queue_pair) {
  if (last_channel_ != nullptr && last_number_ == queue_pair) return last_channel_;
  const auto found = by_number_.find(queue_pair);
  if (found == by_number_.end()) return nullptr;
  last_number_ = queue_pair;
  last_channel_ = found->second;
  return last_channel_;
}

// The shared receive queue. It begins small and grows when it runs low: hundreds of idle sessions
// need no more than one.

bool LoopContext::open_shared_queue() {
  if (shared_ != nullptr) return true;
  const auto most = static_cast<std::uint32_t>(std::max(device_->limits().max_srq_wr, 0));
  const std::uint32_t wanted = std::min(options_.shared_receives, most);
  if (wanted == 0 || !queues_.empty()) return false;
  ibv_srq_init_attr attributes{};
  attributes.attr.max_wr = wanted;
  attributes.attr.max_sge = 1;
  shared_ = ::ibv_create_srq(&device_->pd(), &attributes);
  if (shared_ == nullptr) {
    log::warning("{}: no shared receive queue: {}; connections get receive buffers of their own",
                 device_->name(), errno_text(errno));
    return false;
  }
  shared_most_ = wanted;
  shared_target_ = 0;
  while (shared_target_ < std::min(shared_first, shared_most_)) {
    const std::uint32_t before = shared_target_;
    grow_shared();
    if (shared_target_ == before) break;
  }
  post_shared();
  arm_shared_limit();
  return true;
}

void LoopContext::grow_shared() {
  for (std::uint32_t i = 0; i < shared_step && shared_target_ < shared_most_; ++i) {
    ReceiveBuffer* const buffer = buffers_of(options_.shared_receive_size).take();
    if (buffer == nullptr) {
      log::warning("{}",
                   registration_error(device_->name(), options_.shared_receive_size, errno).text());
      return;
    }
    ++shared_target_;
    return_shared(*buffer);
  }
}

void LoopContext::return_shared(ReceiveBuffer& buffer) {
  if (closed()) return;
  buffer.next = returned_;
  returned_ = &buffer;
  ++shared_posted_;
  loop_.defer(repost_);
}

void LoopContext::post_shared() {
  std::array<ibv_recv_wr, batch> wanted;
  std::array<ibv_sge, batch> scatter;
  while (returned_ != nullptr) {
    std::size_t count = 0;
    for (; returned_ != nullptr && count < batch; ++count) {
      ReceiveBuffer& buffer = *returned_;
      returned_ = buffer.next;
      scatter[count] = buffer.owner->piece(buffer);
      wanted[count] = {reinterpret_cast<std::uintptr_t>(&buffer) | receive_flag,
                       count + 1 < batch ? &wanted[count + 1] : nullptr, &scatter[count], 1};
    }
    wanted[count - 1].next = nullptr;
    ibv_recv_wr* refused = nullptr;
    const int rc = ::ibv_post_srq_recv(shared_, wanted.data(), &refused);
    if (rc == 0) continue;
    // The device is going; its connections hear of it by themselves.
    log::error("{}: receive buffers not taken: {}", device_->name(), errno_text(rc));
    for (; refused != nullptr; refused = refused->next) --shared_posted_;
  }
}

void LoopContext::arm_shared_limit() {
  ibv_srq_attr attributes{};
  attributes.srq_limit = std::max(shared_target_ / 4, 1u);
  // Without it the completions tell, a little later.
  static_cast<void>(::ibv_modify_srq(shared_, &attributes, IBV_SRQ_LIMIT));
}

// Events of the device

void LoopContext::look_whether_removed() {
  if (!device_->look_whether_removed()) {
    loop_.start_timer(look_, loop_.now() + options_.removal_interval);
    return;
  }
  CmEvent removed;
  removed.type = RDMA_CM_EVENT_DEVICE_REMOVAL;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    if (seats_[i] != nullptr) seats_[i]->on_cm_event(removed);
  }
}

void LoopContext::read_async_events() {
  const auto self = shared_from_this();
  ibv_async_event event{};
  while (!closed() && ::ibv_get_async_event(&device_->context(), &event) == 0) {
    AsyncEvent copy{.type = event.event_type};
    switch (event.event_type) {
      case IBV_EVENT_QP_FATAL:
      case IBV_EVENT_QP_REQ_ERR:
      case IBV_EVENT_QP_ACCESS_ERR:
      case IBV_EVENT_COMM_EST:
      case IBV_EVENT_QP_LAST_WQE_REACHED:
        copy.queue_pair = event.element.qp->qp_num;
        break;
      case IBV_EVENT_SRQ_ERR:
      case IBV_EVENT_SRQ_LIMIT_REACHED:
        copy.object = event.element.srq;
        break;
      case IBV_EVENT_CQ_ERR:
        copy.object = event.element.cq;
        break;
      case IBV_EVENT_PORT_ACTIVE:
      case IBV_EVENT_PORT_ERR:
        log_port(event);
        break;
      default:
        log::debug("{}: {}", device_->name(), ::ibv_event_type_str(event.event_type));
    }
    ::ibv_ack_async_event(&event);
    // The file is that of the device: what is read here may concern any loop.
    for (auto& context : device_->loop_contexts()) {
      if (context.get() == this) {
        handle(copy);
      } else {
        runtime::Loop& loop = context->loop_;
        loop.post(*new Forwarded(std::move(context), copy));
      }
    }
  }
}

void LoopContext::log_port(const ibv_async_event& event) {
  if (event.event_type == IBV_EVENT_PORT_ACTIVE) {
    log::info("{} port {}: the link is up", device_->name(), event.element.port_num);
  } else {
    log::warning("{} port {}: the link is down; check cable and switch", device_->name(),
                 event.element.port_num);
  }
}

void LoopContext::handle(const AsyncEvent& event) {
  if (closed()) return;
  if (event.queue_pair != 0) {
    VerbsChannel* const channel = find(event.queue_pair);
    if (channel != nullptr) channel->on_async_event(event.type);
    return;
  }
  if (event.type == IBV_EVENT_SRQ_LIMIT_REACHED && event.object == shared_) {
    grow_shared();
    arm_shared_limit();
    return;
  }
  const bool ours = event.object != nullptr &&
                    (event.object == shared_ ||
                     std::any_of(queues_.begin(), queues_.end(),
                                 [&](const auto& each) { return each->queue == event.object; }));
  // All of the device, which may be the first to be heard of its removal.
  if (!ours && event.type != IBV_EVENT_DEVICE_FATAL) return;
  log::error("{}: {}; its connections end", device_->name(), ::ibv_event_type_str(event.type));
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    if (seats_[i] != nullptr) seats_[i]->on_async_event(IBV_EVENT_DEVICE_FATAL);
  }
}

}  // namespace srpd::transport::verbs
