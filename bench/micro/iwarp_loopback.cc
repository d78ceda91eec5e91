// Software iWARP against plain TCP on loopback, with the message sizes of SRP: what the transport
// costs by itself. Two threads, one loop (or one blocking socket) each; no SRP, no SCSI.
//
//   iwarp_loopback [SECONDS_PER_ROW] [crc] [ROW_NAME...]     such as: iwarp_loopback 2 "depth 1"
//
// Rows alternate between TCP and iWARP so that both see the same machine. "server" is the CPU time
// of the target's thread per operation.
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "base/check.h"
#include "runtime/thread.h"
#include "transport/iwarp/transport.h"

namespace srpd::transport {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t command_size = 64;
constexpr std::size_t response_size = 36;
constexpr std::size_t immediate_offset = 68;

struct Row {
  const char* name;
  enum class Kind : std::uint32_t { read, write_immediate, write } kind;
  std::uint32_t size;
  unsigned depth;
};

constexpr Row rows[] = {
    {"4 KiB read, depth 1", Row::Kind::read, 4096, 1},
    {"4 KiB read, depth 32", Row::Kind::read, 4096, 32},
    {"4 KiB write (immediate), depth 1", Row::Kind::write_immediate, 4096, 1},
    {"4 KiB write (immediate), depth 32", Row::Kind::write_immediate, 4096, 32},
    {"4 KiB write (RDMA Read), depth 32", Row::Kind::write, 4096, 32},
    {"1 MiB read, depth 8", Row::Kind::read, 1u << 20, 8},
    {"1 MiB write (RDMA Read), depth 8", Row::Kind::write, 1u << 20, 8},
};

double cpu_seconds(pthread_t thread) {
  clockid_t clock{};
  timespec time{};
  CHECK(pthread_getcpuclockid(thread, &clock) == 0 && clock_gettime(clock, &time) == 0);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Result {
  std::uint64_t operations = 0;
  double seconds = 0;
  double server_cpu = 0;
  std::vector<float> latencies_us;
};

void print(const Row& row, const char* what, Result& result) {
  std::sort(result.latencies_us.begin(), result.latencies_us.end());
  const auto percentile = [&](double p) {
    if (result.latencies_us.empty()) return 0.0;
    const auto last = static_cast<double>(result.latencies_us.size() - 1);
    return static_cast<double>(result.latencies_us[static_cast<std::size_t>(p * last)]);
  };
  const double rate = static_cast<double>(result.operations) / result.seconds;
  fmt::print(
      "{:<36} {:<6} {:>9.0f} op/s {:>8.1f} MiB/s  p50 {:>7.1f} us  p99 {:>7.1f} us  "
      "server {:>7.2f} us/op\n",
      row.name, what, rate, rate * row.size / 1048576.0, percentile(0.5), percentile(0.99),
      result.server_cpu * 1e6 / static_cast<double>(std::max<std::uint64_t>(result.operations, 1)));
}

// Plain TCP: the client sends a request, the server answers; `depth` under way.

void send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::send(fd, data, size, MSG_NOSIGNAL);
    if (n <= 0) return;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
}

struct TcpSizes {
  std::size_t request;
  std::size_t reply;
};

TcpSizes sizes_of(const Row& row) {
  if (row.kind == Row::Kind::read) return {command_size, row.size + response_size};
  return {immediate_offset + row.size, response_size};
}

void tcp_server(int fd, const Row& row) {
  const TcpSizes sizes = sizes_of(row);
  std::vector<char> in(std::max<std::size_t>(sizes.request, 262144));
  const std::vector<char> out(sizes.reply * (sizes.reply > 65536 ? 1 : row.depth));
  std::size_t pending = 0;
  while (true) {
    const ssize_t n = ::recv(fd, in.data(), in.size(), 0);
    if (n <= 0) return;
    pending += static_cast<std::size_t>(n);
    std::size_t complete = pending / sizes.request;
    pending %= sizes.request;
    while (complete > 0) {
      const std::size_t step = std::min(complete, out.size() / sizes.reply);
      send_all(fd, out.data(), step * sizes.reply);
      complete -= step;
    }
  }
}

// Requests are sent by a second thread where they are large, so that both directions flow.
Result tcp(const Row& row, double seconds) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  CHECK(::bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0);
  CHECK(::listen(listener, 1) == 0);
  CHECK(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  CHECK(::connect(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
  const int accepted = ::accept(listener, nullptr, nullptr);
  const int on = 1;
  for (const int each : {fd, accepted})
    ::setsockopt(each, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  std::thread server([&] { tcp_server(accepted, row); });

  const TcpSizes sizes = sizes_of(row);
  const std::vector<char> request(sizes.request * row.depth);
  std::vector<char> in(std::max<std::size_t>(262144, sizes.reply));
  std::vector<Clock::time_point> started(row.depth);
  Result result;
  const double cpu = cpu_seconds(server.native_handle());
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  std::size_t next = 0;
  std::size_t pending = 0;
  std::fill(started.begin(), started.end(), begin);
  send_all(fd, request.data(), request.size());
  while (Clock::now() < end) {
    const ssize_t n = ::recv(fd, in.data(), in.size(), 0);
    if (n <= 0) break;
    pending += static_cast<std::size_t>(n);
    const std::size_t complete = pending / sizes.reply;
    pending %= sizes.reply;
    if (complete == 0) continue;
    const auto now = Clock::now();
    for (std::size_t i = 0; i < complete; ++i) {
      auto& start = started[next++ % row.depth];
      result.latencies_us.push_back(std::chrono::duration<float, std::micro>(now - start).count());
      start = now;
    }
    result.operations += complete;
    send_all(fd, request.data(), complete * sizes.request);
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  result.server_cpu = cpu_seconds(server.native_handle()) - cpu;
  ::shutdown(fd, SHUT_RDWR);
  server.join();
  for (const int each : {fd, accepted, listener}) ::close(each);
  return result;
}

// iWARP: a command names a slot and the client's memory; the target moves the data and answers.

struct Command {
  std::uint32_t kind;
  std::uint32_t slot;
  std::uint32_t size;
  std::uint32_t key;
  std::uint64_t address;
  char rest[40];
};
static_assert(sizeof(Command) == command_size);

struct Target final : Channel::Handler, Listener::Handler, ConnectRequest::Established {
  struct Slot : SendWork {
    Slot() : SendWork([](runtime::Completion& self) { self.reset(); }) { read.owner = this; }
    struct Read : ReadWork {
      Read()
          : ReadWork([](runtime::Completion& self) {
              auto& done = static_cast<Read&>(self);
              done.reset();
              done.owner->target->channel->send(*done.owner);
            }) {}
      Slot* owner = nullptr;
    };
    Read read;
    RemoteSegment segment;
    iovec place{};
    Target* target = nullptr;
    std::array<char, response_size> response{};
  };

  explicit Target(std::uint32_t size) : memory(std::size_t{size} * 64) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      slots[i].target = this;
      slots[i].place = {memory.data() + i * size, size};
      slots[i].iu = std::as_bytes(std::span(slots[i].response));
      std::memcpy(slots[i].response.data(), &i, sizeof(std::uint32_t));
    }
  }

  void on_request(std::unique_ptr<ConnectRequest> request) override {
    ChannelParameters parameters;
    parameters.outbound_reads = 16;
    request->accept({}, parameters, *loop, *this);
  }
  void on_channel(std::unique_ptr<Channel> made) override {
    channel = std::move(made);
    channel->start(*this);
  }
  void on_lost(const CloseReason&) override {}
  void on_closed(const CloseReason&) override { closed = true; }
  void on_iu(Iu& iu) override {
    Command command;
    std::memcpy(&command, iu.data, sizeof command);
    channel->release(iu);
    Slot& slot = slots[command.slot];
    slot.segment = {command.address, command.key, command.size};
    slot.remote = {};
    slot.length = 0;
    switch (static_cast<Row::Kind>(command.kind)) {
      case Row::Kind::read:
        slot.remote = {&slot.segment, 1};
        slot.local = {&slot.place, 1};
        slot.length = command.size;
        break;
      case Row::Kind::write_immediate:
        break;
      case Row::Kind::write:
        slot.read.remote = {&slot.segment, 1};
        slot.read.local = {&slot.place, 1};
        slot.read.length = command.size;
        return channel->read(slot.read);
    }
    channel->send(slot);
  }

  runtime::Loop* loop = nullptr;
  std::unique_ptr<Channel> channel;
  std::unique_ptr<Listener> listener;
  std::vector<std::byte> memory;
  std::array<Slot, 64> slots;
  std::atomic<bool> closed = false;
};

struct Client final : Channel::Handler, Connector::Handler {
  struct Slot : SendWork {
    Slot() : SendWork([](runtime::Completion& self) { self.reset(); }) {}
    std::vector<std::byte> command;
    Clock::time_point started;
  };

  Client(runtime::Loop& on, const Row& of, double seconds)
      : loop(on),
        row(of),
        duration(seconds),
        memory(std::size_t{of.size} * of.depth),
        slots(of.depth) {}

  void on_rejected(std::span<const std::byte>) override { CHECK(false); }
  void on_failed(const Error&) override { CHECK(false); }
  void on_connected(std::unique_ptr<Channel> made, std::span<const std::byte>) override {
    channel = std::move(made);
    channel->start(*this);
    begin = Clock::now();
    cpu_begin = cpu_seconds(server);
    for (std::uint32_t i = 0; i < row.depth; ++i) {
      Slot& slot = slots[i];
      const auto remote = channel->expose(
          std::span(memory).subspan(std::size_t{i} * row.size, row.size), Access::both);
      const bool immediate = row.kind == Row::Kind::write_immediate;
      slot.command.resize(immediate ? immediate_offset + row.size : command_size);
      const Command command{
          static_cast<std::uint32_t>(row.kind), i, row.size, remote.key, remote.address, {}};
      std::memcpy(slot.command.data(), &command, sizeof command);
      slot.iu = slot.command;
      start_one(slot);
    }
  }
  void start_one(Slot& slot) {
    slot.started = Clock::now();
    channel->send(slot);
  }
  void on_iu(Iu& iu) override {
    std::uint32_t index = 0;
    std::memcpy(&index, iu.data, sizeof index);
    channel->release(iu);
    Slot& slot = slots[index];
    const auto now = Clock::now();
    ++result.operations;
    result.latencies_us.push_back(
        std::chrono::duration<float, std::micro>(now - slot.started).count());
    if (std::chrono::duration<double>(now - begin).count() < duration) {
      start_one(slot);
    } else if (result.seconds == 0) {
      result.seconds = std::chrono::duration<double>(now - begin).count();
      result.server_cpu = cpu_seconds(server) - cpu_begin;
      channel->disconnect("done", true);
    }
  }
  void on_closed(const CloseReason&) override { loop.stop(); }

  runtime::Loop& loop;
  const Row& row;
  const double duration;
  pthread_t server{};
  double cpu_begin = 0;
  Clock::time_point begin;
  std::unique_ptr<Channel> channel;
  std::vector<std::byte> memory;
  std::vector<Slot> slots;
  Result result;
};

Result over_iwarp(const Row& row, double seconds, const iwarp::IwarpOptions& options) {
  const auto transport = iwarp::make_transport(options);
  auto thread = runtime::LoopThread::start({.name = "target", .cpu = {}, .loop = {}});
  CHECK(thread);
  runtime::Loop& target_loop = (*thread)->loop();
  auto target = std::make_unique<Target>(row.size);
  target->loop = &target_loop;
  pthread_t server{};
  const Address address = runtime::run_on(target_loop, [&] {
    server = pthread_self();
    auto made = transport->listen(target_loop, *Address::parse("127.0.0.1", 0), *target);
    CHECK(made);
    target->listener = std::move(*made);
    return target->listener->address();
  });
  auto loop = runtime::make_loop({});
  CHECK(loop);
  Client client(**loop, row, seconds);
  client.server = server;
  ConnectOptions connect;
  connect.peer = address;
  connect.parameters.inbound_reads = 16;
  const auto connector = transport->connect(**loop, connect, client);
  (*loop)->run();
  while (!target->closed) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  runtime::run_on(target_loop, [&] {
    target->channel.reset();
    target->listener.reset();
  });
  client.channel.reset();
  return std::move(client.result);
}

}  // namespace
}  // namespace srpd::transport

int main(int argc, char** argv) {
  using namespace srpd::transport;
  double seconds = 1;
  iwarp::IwarpOptions options;
  std::vector<std::string_view> wanted;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "crc")
      options.crc = true;
    else if (std::isdigit(static_cast<unsigned char>(argv[i][0])) != 0 &&
             std::atof(argv[i]) < 100 && std::strchr(argv[i], ' ') == nullptr)
      seconds = std::atof(argv[i]);
    else
      wanted.emplace_back(argv[i]);
  }
  for (const Row& row : rows) {
    const auto named = [&](std::string_view part) {
      return std::string_view(row.name).find(part) != std::string_view::npos;
    };
    if (!wanted.empty() && std::none_of(wanted.begin(), wanted.end(), named)) continue;
    Result plain = tcp(row, seconds);
    print(row, "TCP", plain);
    Result ours = over_iwarp(row, seconds, options);
    print(row, "iWARP", ours);
  }
  return 0;
}
