// The C interface of the initiator. A session lives on the loop of a thread of its own; what the
// program starts travels there by mail, and comes back through a list behind an eventfd.
#include "srp/libsrp.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <string>

#include "initiator/commands.h"
#include "initiator/identity.h"
#include "initiator/lun.h"
#include "initiator/session.h"
#include "initiator/url.h"
#include "runtime/thread.h"
#include "transport/registry.h"

namespace {

using namespace srpd;

thread_local std::string connect_error;

// A command on its way to the loop and back. Belongs to the program's thread while it is free or
// in the list of completed ones, to the loop in between.
struct Slot : initiator::Request {
  struct Start : runtime::Mail {
    using Mail::Mail;
    Slot* slot = nullptr;
  };
  Slot();

  Start start;
  srp_connection* connection = nullptr;
  srp_callback callback = nullptr;
  void* user = nullptr;
  Slot* next_slot = nullptr;
};

}  // namespace

struct srp_connection final : initiator::Session::Observer {
  ~srp_connection() {
    if (event_fd >= 0) close(event_fd);
  }

  // On the loop.
  void on_up() override { set_state(true, false, nullptr); }
  void on_down(const std::string&) override {}
  void on_over(const Error* why) override { set_state(false, true, why); }
  void set_state(bool is_up, bool is_over, const Error* why) {
    const std::lock_guard lock(mutex);
    up = is_up;
    over = is_over;
    if (why != nullptr) over_because = why->text();
    changed.notify_all();
  }
  void completed(Slot& slot) {
    bool first = false;
    {
      const std::lock_guard lock(mutex);
      slot.next_slot = nullptr;
      first = done_head == nullptr;
      (first ? done_head : done_tail->next_slot) = &slot;
      done_tail = &slot;
    }
    // One event for all that complete until the program looks.
    if (first) eventfd_write(event_fd, 1);
  }

  // On the program's thread.
  Slot* take_slot();
  int service();
  int wait();
  int run(const srp_command& command, srp_result& result);
  int check(const char* what, int rc, const srp_result& result);

  std::unique_ptr<transport::Transport> transport;
  std::unique_ptr<runtime::LoopThread> thread;
  std::unique_ptr<initiator::Session> session;
  int event_fd = -1;
  std::uint64_t url_lun = 0;
  std::deque<Slot> slots;
  Slot* free_slots = nullptr;
  std::uint32_t under_way = 0;
  std::string error;
  std::array<std::uint8_t, 252> sense;

  std::mutex mutex;
  std::condition_variable changed;
  bool up = false;
  bool over = false;
  std::string over_because;
  Slot* done_head = nullptr;
  Slot* done_tail = nullptr;
};

namespace {

Slot::Slot()
    : start([](runtime::Mail& mail) {
        Slot& slot = *static_cast<Start&>(mail).slot;
        if (slot.connection->session->submit(slot)) return;
        slot.error = -ENOTCONN;
        slot.connection->completed(slot);
      }) {
  start.slot = this;
  done = [](initiator::Request& self) {
    auto& slot = static_cast<Slot&>(self);
    slot.connection->completed(slot);
  };
}

Expected<initiator::SessionOptions> session_options(const initiator::Url& url,
                                                    const srp_options& wanted) {
  initiator::SessionOptions options;
  auto address = transport::Address::parse(url.endpoint(), initiator::default_port);
  if (!address) return tl::unexpected<Error>(address.error());
  options.address = *address;
  options.initiator = initiator::default_initiator_id();
  if (wanted.initiator_id != nullptr) {
    const auto id = initiator::parse_initiator_id(wanted.initiator_id);
    if (!id) return tl::unexpected<Error>(id.error());
    options.initiator = *id;
  }
  if (url.target) options.target = *url.target;
  if (wanted.channels == 0 || wanted.channels > 64 || wanted.queue_depth == 0 ||
      wanted.queue_depth > 4096 || wanted.max_requests == 0 || wanted.timeout_ms == 0)
    return failure("srp_options", "a value is zero or too large", "use srp_options_init()");
  options.channels = wanted.channels;
  options.queue_depth = wanted.queue_depth;
  options.max_queued = wanted.max_requests;
  options.command_timeout = std::chrono::milliseconds(wanted.timeout_ms);
  options.connect_timeout = std::chrono::milliseconds(wanted.connect_timeout_ms);
  options.give_up_after = std::chrono::milliseconds(wanted.give_up_ms);
  return options;
}

Expected<std::unique_ptr<srp_connection>> open_connection(const char* text,
                                                          const srp_options& wanted) {
  const auto url = initiator::Url::parse(text);
  if (!url) return tl::unexpected<Error>(url.error());
  const auto options = session_options(*url, wanted);
  if (!options) return tl::unexpected<Error>(options.error());
  auto connection = std::make_unique<srp_connection>();
  connection->url_lun = url->lun.value_or(0);
  connection->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (connection->event_fd < 0) return failure("eventfd", errno_text(errno));
  connection->slots.resize(wanted.max_requests);
  for (Slot& slot : connection->slots) {
    slot.connection = connection.get();
    slot.next_slot = connection->free_slots;
    connection->free_slots = &slot;
  }
  connection->transport = transport::transport_for(options->address).make();
  auto thread = runtime::LoopThread::start({.name = "libsrp", .cpu = {}, .loop = {}});
  if (!thread) return tl::unexpected<Error>(thread.error());
  connection->thread = std::move(*thread);
  runtime::Loop& loop = connection->thread->loop();
  runtime::run_on(loop, [&] {
    connection->session =
        std::make_unique<initiator::Session>(loop, *connection->transport, *options, *connection);
    connection->session->open();
  });
  std::unique_lock lock(connection->mutex);
  connection->changed.wait(lock, [&] { return connection->up || connection->over; });
  if (!connection->over) {
    lock.unlock();
    return connection;
  }
  const std::string why = connection->over_because;
  lock.unlock();
  connection->thread->stop();
  connection->session.reset();
  return failure("", why);
}

srp_result result_of(const Slot& slot) {
  return {.error = slot.error,
          .status = slot.status,
          .sense = reinterpret_cast<const std::uint8_t*>(slot.sense.data()),
          .sense_length = slot.sense_length,
          .received = slot.error == 0 ? slot.received() : 0};
}

}  // namespace

Slot* srp_connection::take_slot() {
  Slot* const slot = free_slots;
  if (slot != nullptr) free_slots = slot->next_slot;
  return slot;
}

int srp_connection::service() {
  eventfd_t count = 0;
  eventfd_read(event_fd, &count);
  Slot* slot = nullptr;
  {
    const std::lock_guard lock(mutex);
    slot = std::exchange(done_head, nullptr);
  }
  int called = 0;
  while (slot != nullptr) {
    Slot& current = *slot;
    slot = slot->next_slot;
    const srp_result result = result_of(current);
    // The callback may start the next command, in another slot.
    current.callback(current.user, &result);
    current.next_slot = free_slots;
    free_slots = &current;
    --under_way;
    ++called;
  }
  return called;
}

int srp_connection::wait() {
  while (under_way > 0) {
    if (const int called = service(); called > 0) return called;
    pollfd fd{.fd = event_fd, .events = POLLIN, .revents = 0};
    if (poll(&fd, 1, -1) < 0 && errno != EINTR) return -errno;
  }
  return 0;
}

int srp_connection::run(const srp_command& command, srp_result& result) {
  struct Waiting {
    srp_connection& connection;
    srp_result result{};
    bool done = false;
  } waiting{*this};
  const auto on_done = [](void* context, const srp_result* got) {
    auto& self = *static_cast<Waiting*>(context);
    self.result = *got;
    std::memcpy(self.connection.sense.data(), got->sense, got->sense_length);
    self.result.sense = self.connection.sense.data();
    self.done = true;
  };
  int rc = srp_submit(this, &command, on_done, &waiting);
  while (rc == 0 && !waiting.done)
    if (const int called = wait(); called < 0) rc = called;
  result = waiting.result;
  return rc;
}

// Turns a result into the return value of the functions that have none, with the error in words.
int srp_connection::check(const char* what, int rc, const srp_result& result) {
  if (rc != 0) return rc;
  if (result.error == 0 && result.status == 0) return 0;
  initiator::Request request;
  request.error = result.error;
  request.status = result.status;
  request.sense_length = static_cast<std::uint16_t>(result.sense_length);
  std::memcpy(request.sense.data(), result.sense, result.sense_length);
  error = std::string(what) + ": " + initiator::describe_failure(request);
  return result.error != 0 ? result.error : -EIO;
}

namespace {

// The commands of commands.h, sent and waited for. Unit attentions are not the program's business
// there.
template <class Prepare>
int run_prepared(srp_connection& connection, const char* what, Prepare prepare) {
  initiator::Request request;
  prepare(request);
  const srp_command command{.lun = SRP_URL_LUN,
                            .cdb = reinterpret_cast<const std::uint8_t*>(request.cdb.data()),
                            .cdb_length = request.cdb_length,
                            .data_out = request.data_out.data(),
                            .data_out_length = request.data_out.size(),
                            .data_in = request.data_in.data(),
                            .data_in_length = request.data_in.size(),
                            .repeatable = 1};
  srp_result result{};
  int rc = 0;
  for (int attempt = 0; attempt < 4; ++attempt) {
    rc = connection.run(command, result);
    const bool attention = rc == 0 && result.error == 0 && result.status == 2 &&
                           result.sense_length > 2 && (result.sense[2] & 0x0f) == 6;
    if (!attention) break;
  }
  return connection.check(what, rc, result);
}

}  // namespace

extern "C" {

void srp_options_init(srp_options* options) {
  *options = {.size = sizeof *options,
              .initiator_id = nullptr,
              .channels = 1,
              .queue_depth = 128,
              .max_requests = 1024,
              .timeout_ms = 30'000,
              .connect_timeout_ms = 10'000,
              .give_up_ms = 0};
}

srp_connection* srp_connect(const char* url, const srp_options* options) {
  // Programs built with an older, shorter structure get the defaults for the rest.
  srp_options complete;
  srp_options_init(&complete);
  if (options != nullptr)
    std::memcpy(static_cast<void*>(&complete), options, std::min(options->size, sizeof complete));
  try {
    auto connection = open_connection(url, complete);
    if (connection) return connection->release();
    connect_error = connection.error().text();
  } catch (const std::exception& exception) {
    connect_error = exception.what();
  }
  return nullptr;
}

const char* srp_connect_error(void) { return connect_error.c_str(); }

void srp_disconnect(srp_connection* connection) {
  if (connection == nullptr) return;
  runtime::run_on(connection->thread->loop(), [&] { connection->session->close(); });
  {
    std::unique_lock lock(connection->mutex);
    connection->changed.wait(lock, [&] { return connection->over; });
  }
  connection->thread->stop();
  connection->session.reset();
  while (connection->service() > 0) {
  }
  delete connection;
}

const char* srp_error(const srp_connection* connection) { return connection->error.c_str(); }

uint64_t srp_lun(uint32_t number) { return initiator::lun_from_number(number); }

int srp_submit(srp_connection* connection, const srp_command* command, srp_callback callback,
               void* context) {
  if (command->cdb_length < 6 || command->cdb_length > sizeof(initiator::Request::cdb) ||
      command->data_out_length > UINT32_MAX || command->data_in_length > UINT32_MAX) {
    connection->error = "a CDB has 6 to 32 bytes, data less than 4 GiB";
    return -EINVAL;
  }
  Slot* const slot = connection->take_slot();
  if (slot == nullptr) {
    connection->error = "too many commands at the same time";
    return -EAGAIN;
  }
  slot->lun = command->lun == SRP_URL_LUN ? connection->url_lun : command->lun;
  slot->cdb.fill(std::byte{0});
  std::memcpy(slot->cdb.data(), command->cdb, command->cdb_length);
  slot->cdb_length = static_cast<std::uint8_t>(command->cdb_length);
  slot->data_out = {static_cast<const std::byte*>(command->data_out), command->data_out_length};
  slot->data_in = {static_cast<std::byte*>(command->data_in), command->data_in_length};
  slot->repeatable = command->repeatable != 0;
  slot->callback = callback;
  slot->user = context;
  ++connection->under_way;
  connection->thread->loop().post(slot->start);
  return 0;
}

int srp_fd(const srp_connection* connection) { return connection->event_fd; }
int srp_service(srp_connection* connection) { return connection->service(); }
int srp_wait(srp_connection* connection) { return connection->wait(); }

int srp_execute(srp_connection* connection, const srp_command* command, srp_result* result) {
  const int rc = connection->run(*command, *result);
  if (rc == 0) connection->check("command", rc, *result);
  return rc;
}

int srp_read_capacity(srp_connection* connection, struct srp_capacity* capacity) {
  std::array<std::byte, 32> data{};
  const int rc = run_prepared(*connection, "READ CAPACITY", [&](initiator::Request& request) {
    initiator::prepare_read_capacity(request, data);
  });
  if (rc != 0) return rc;
  const auto parsed = initiator::parse_capacity(data);
  if (!parsed) {
    connection->error = "READ CAPACITY: the answer makes no sense";
    return -EPROTO;
  }
  *capacity = {.blocks = parsed->blocks, .block_size = parsed->block_size};
  return 0;
}

int srp_read(srp_connection* connection, uint64_t lba, uint32_t blocks, void* data, size_t length) {
  return run_prepared(*connection, "READ", [&](initiator::Request& request) {
    initiator::prepare_read(request, lba, blocks, {static_cast<std::byte*>(data), length});
  });
}

int srp_write(srp_connection* connection, uint64_t lba, uint32_t blocks, const void* data,
              size_t length) {
  return run_prepared(*connection, "WRITE", [&](initiator::Request& request) {
    initiator::prepare_write(request, lba, blocks, {static_cast<const std::byte*>(data), length},
                             false);
  });
}

int srp_flush(srp_connection* connection) {
  return run_prepared(*connection, "SYNCHRONIZE CACHE", [](initiator::Request& request) {
    initiator::prepare_synchronize_cache(request);
  });
}

}  // extern "C"
