#include "support/tcp_device.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "runtime/buffer_pool.h"
#include "runtime/frame_pool.h"
#include "transport/iwarp/transport.h"

namespace srpd::test {
namespace {

constexpr std::byte untouched{0xee};

template <class T>
T must(Expected<T> expected) {
  if (!expected) ADD_FAILURE() << expected.error().text();
  CHECK(expected.has_value());
  return std::move(*expected);
}

scsi::LuIdentity identity() {
  scsi::LuIdentity identity;
  identity.name = "ram0";
  identity.unit_serial = "929cc061-e082-4d98-810c-c90b421bd066";
  return identity;
}

// The residual counts as SRP reports them: over and underflow of one direction exclude each other.
std::int64_t residual(const srp::Residual& of, std::uint8_t over, std::uint8_t under,
                      std::uint32_t count) {
  EXPECT_NE(of.flags & (over | under), over | under);
  if ((of.flags & over) != 0) return count;
  return (of.flags & under) != 0 ? -std::int64_t{count} : 0;
}

}  // namespace

TemporaryFile::TemporaryFile() : path_(testing::TempDir() + "srpd-disk-XXXXXX") {
  const int fd = ::mkstemp(path_.data());
  CHECK(fd >= 0);
  ::close(fd);
}

TemporaryFile::~TemporaryFile() { ::unlink(path_.c_str()); }

TcpTarget::TcpTarget(const TcpOptions& options)
    : transport_(transport::iwarp::make_transport(options.iwarp)) {
  for (std::size_t i = 0; i < options.target_loops; ++i)
    threads_.push_back(must(runtime::LoopThread::start(
        {.name = "target" + std::to_string(i), .cpu = {}, .loop = options.loop})));
  runtime::run_on(threads_[0]->loop(), [&] {
    open_unit(options.store);
    serve();
  });
}

void TcpTarget::open_unit(store::Specification specification) {
  specification.name = identity().name;
  if (specification.type == "fileio" && specification.path.empty()) {
    file_ = std::make_unique<TemporaryFile>();
    specification.path = file_->path();
  }
  auto store = must(store::open(specification, threads_[0]->loop()));
  const auto attributes = scsi::default_attributes(store->properties());
  lu_ = std::make_shared<scsi::Lu>(identity(), attributes, std::move(store));
}

void TcpTarget::serve() {
  std::vector<runtime::Loop*> loops;
  for (const auto& thread : threads_) loops.push_back(&thread->loop());
  target_ = std::make_unique<target::Target>(loops, target::TargetOptions{});
  target::PortDescription port;
  port.scsi.name = "0xdeea7be2967200000000000000000000";
  port.open = true;
  port.luns.push_back({.number = 0, .lu = lu_, .write_protected = false});
  const auto added = target_->add_port(std::move(port));
  CHECK(added.has_value());
  address_ = must(target_->listen(*transport_, must(transport::Address::parse("127.0.0.1:0", 0))));
}

TcpTarget::~TcpTarget() {
  runtime::detail::Signal down;
  runtime::run_on(threads_[0]->loop(), [&] { target_->shutdown([&down] { down.set(); }); });
  down.wait();
  runtime::run_on(threads_[0]->loop(), [this] {
    target_.reset();
    lu_.reset();
  });
  for (const auto& thread : threads_) {
    runtime::run_on(thread->loop(), [&] {
      EXPECT_EQ(thread->loop().buffers().lent_bytes(), 0u);
      EXPECT_EQ(thread->loop().frames().live(), 0u);
    });
  }
  for (const auto& thread : threads_) thread->stop();
}

/// One initiator port with a session of its own.
class TcpDevice::Host final : public ScsiDevice {
 public:
  Host(TcpDevice& device, std::size_t number) : device_(device) {
    initiator::SessionOptions options = device.options_.session;
    options.address = device.target_.address();
    options.initiator[15] = static_cast<std::byte>(number);
    options.reconnect = false;
    client_ = must(initiator::Client::connect(*device.loop_, *device.transport_, options));
    EXPECT_EQ(client_->session().channels().size(), options.channels);
    const std::string channel = client_->session().channels()[0]->description();
    EXPECT_EQ(channel.find("CRC") != std::string::npos, device.options_.iwarp.crc) << channel;
  }
  // Nothing went wrong on the way that a retry or a reconnect could have hidden.
  ~Host() override {
    const initiator::SessionCounters& counters = client_->session().counters();
    EXPECT_TRUE(client_->session().up());
    EXPECT_EQ(counters.connects, 1u);
    EXPECT_EQ(counters.commands, counters.responses);
    EXPECT_EQ(counters.unknown_tags, 0u);
    EXPECT_EQ(counters.timeouts, 0u);
  }

  std::uint32_t block_size() const override { return device_.block_size(); }
  std::uint64_t block_count() const override { return device_.block_count(); }
  const store::Properties& properties() const override { return device_.properties(); }
  std::unique_ptr<ScsiDevice> another_host() override { return device_.another_host(); }
  ScsiReply execute(const ScsiRequest& request) override { return execute_all({request})[0]; }
  std::vector<ScsiReply> execute_all(const std::vector<ScsiRequest>& requests);

 private:
  struct Exchange {
    initiator::Request request;
    Bytes data_in;
  };
  static void prepare(Exchange& exchange, const ScsiRequest& wanted);
  static ScsiReply reply_of(const Exchange& exchange);

  TcpDevice& device_;
  std::unique_ptr<initiator::Client> client_;
};

std::vector<ScsiReply> TcpDevice::Host::execute_all(const std::vector<ScsiRequest>& requests) {
  std::vector<Exchange> exchanges(requests.size());
  struct Waiting {
    initiator::Client& client;
    std::size_t count;
  } waiting{*client_, requests.size()};
  for (std::size_t i = 0; i < requests.size(); ++i) {
    initiator::Request& request = exchanges[i].request;
    prepare(exchanges[i], requests[i]);
    request.context = &waiting;
    request.done = [](initiator::Request& self) {
      auto& rest = *static_cast<Waiting*>(self.context);
      if (--rest.count == 0) rest.client.wake();
    };
    CHECK(client_->session().submit(request));
  }
  while (waiting.count != 0) client_->wait();
  std::vector<ScsiReply> replies;
  for (const Exchange& exchange : exchanges) replies.push_back(reply_of(exchange));
  return replies;
}

void TcpDevice::Host::prepare(Exchange& exchange, const ScsiRequest& wanted) {
  initiator::Request& request = exchange.request;
  CHECK(wanted.cdb.size() <= request.cdb.size());
  std::memcpy(request.cdb.data(), wanted.cdb.data(), wanted.cdb.size());
  request.cdb_length = static_cast<std::uint8_t>(wanted.cdb.size());
  request.lun = wanted.lun.value_or(0);
  request.attribute = static_cast<initiator::TaskAttribute>(wanted.attribute);
  exchange.data_in.assign(wanted.data_in_length, untouched);
  request.data_out = wanted.data_out;
  request.data_in = exchange.data_in;
}

ScsiReply TcpDevice::Host::reply_of(const Exchange& exchange) {
  const initiator::Request& request = exchange.request;
  EXPECT_EQ(request.error, 0) << std::strerror(-request.error);
  if (request.error != 0) return {};

  using namespace wire::srp;
  const srp::Residual& counts = request.residual;
  ScsiReply reply;
  reply.status = request.status;
  reply.sense.assign(request.sense_bytes().begin(), request.sense_bytes().end());
  reply.residual_in = residual(counts, diover, diunder, counts.data_in);
  reply.residual_out = residual(counts, doover, dounder, counts.data_out);
  const auto moved = [](std::size_t buffer, std::int64_t residual) {
    EXPECT_GE(static_cast<std::int64_t>(buffer) + residual, 0);
    return residual < 0 ? buffer - static_cast<std::size_t>(-residual) : buffer;
  };
  reply.moved_out = moved(request.data_out.size(), reply.residual_out);
  const Bytes& data_in = exchange.data_in;
  const auto end =
      data_in.begin() + static_cast<std::ptrdiff_t>(moved(data_in.size(), reply.residual_in));
  EXPECT_TRUE(std::all_of(end, data_in.end(), [](std::byte b) { return b == untouched; }))
      << "more was written than the residual count says";
  reply.data_in.assign(data_in.begin(), end);
  return reply;
}

TcpDevice::TcpDevice(const TcpOptions& options)
    : options_(options),
      target_(options_),
      loop_(must(runtime::make_loop(options_.loop))),
      transport_(transport::iwarp::make_transport(options_.iwarp)),
      first_(std::make_unique<Host>(*this, ++hosts_)) {
  const ScsiReply power_on = first_->execute({.cdb = bytes({0, 0, 0, 0, 0, 0})});
  EXPECT_EQ(power_on.decoded().code, 0x2900);
}

TcpDevice::~TcpDevice() = default;

ScsiReply TcpDevice::execute(const ScsiRequest& request) { return first_->execute(request); }

std::vector<ScsiReply> TcpDevice::execute_all(const std::vector<ScsiRequest>& requests) {
  return first_->execute_all(requests);
}

const store::Properties& TcpDevice::properties() const { return target_.lu().store().properties(); }

std::unique_ptr<ScsiDevice> TcpDevice::another_host() {
  return std::make_unique<Host>(*this, ++hosts_);
}

}  // namespace srpd::test
