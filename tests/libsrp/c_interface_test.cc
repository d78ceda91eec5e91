#include <gtest/gtest.h>
#include <poll.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "runtime/thread.h"
#include "scsi/lu.h"
#include "srp/libsrp.h"
#include "store/ramdisk.h"
#include "target/target.h"
#include "transport/registry.h"

namespace srpd {
namespace {

// A target with one ramdisk on a thread of its own.
class Disk {
 public:
  Disk() {
    thread_ =
        std::move(runtime::LoopThread::start({.name = "target", .cpu = {}, .loop = {}}).value());
    transport_ = transport::find_transport("iwarp")->make();
    runtime::run_on(thread_->loop(), [this] { start(); });
  }
  ~Disk() {
    runtime::detail::Signal down;
    runtime::run_on(thread_->loop(), [&] { target_->shutdown([&down] { down.set(); }); });
    down.wait();
    runtime::run_on(thread_->loop(), [this] {
      target_.reset();
      lu_.reset();
    });
    thread_->stop();
  }

  std::string url(const char* lun = "/0") const { return "srp://" + address_ + lun; }

 private:
  void start() {
    store::Specification specification;
    specification.name = "disk";
    specification.size = 4 << 20;
    auto store = std::move(store::open_ramdisk(specification, thread_->loop()).value());
    const auto attributes = scsi::default_attributes(store->properties());
    scsi::LuIdentity identity;
    identity.name = "disk";
    identity.unit_serial = "5f1c0000-0000-4000-8000-000000000001";
    lu_ = std::make_shared<scsi::Lu>(identity, attributes, std::move(store));
    target_ = std::make_unique<target::Target>(std::vector<runtime::Loop*>{&thread_->loop()},
                                               target::TargetOptions{});
    target::PortDescription port;
    port.scsi.name = "0x1";
    port.open = true;
    port.luns.push_back({.number = 0, .lu = lu_});
    EXPECT_TRUE(target_->add_port(std::move(port)).has_value());
    const auto any = transport::Address::parse("127.0.0.1:0", 0).value();
    address_ = target_->listen(*transport_, any).value().text();
  }

  std::unique_ptr<runtime::LoopThread> thread_;
  std::unique_ptr<transport::Transport> transport_;
  std::shared_ptr<scsi::Lu> lu_;
  std::unique_ptr<target::Target> target_;
  std::string address_;
};

TEST(Libsrp, ReadsWhatItWrote) {
  Disk disk;
  srp_connection* const connection = srp_connect(disk.url().c_str(), nullptr);
  ASSERT_NE(connection, nullptr) << srp_connect_error();
  struct srp_capacity capacity;
  ASSERT_EQ(srp_read_capacity(connection, &capacity), 0) << srp_error(connection);
  EXPECT_EQ(capacity.blocks * capacity.block_size, 4u << 20);
  // Once as immediate data, once fetched.
  for (const std::uint32_t blocks : {8u, 256u}) {
    std::vector<unsigned char> out(std::size_t{blocks} * 512), in(out.size());
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<unsigned char>(i * 7 + i / 512);
    EXPECT_EQ(srp_write(connection, 100, blocks, out.data(), out.size()), 0)
        << srp_error(connection);
    EXPECT_EQ(srp_flush(connection), 0) << srp_error(connection);
    EXPECT_EQ(srp_read(connection, 100, blocks, in.data(), in.size()), 0) << srp_error(connection);
    EXPECT_EQ(in, out);
  }
  srp_disconnect(connection);
}

TEST(Libsrp, ErrorsInWords) {
  Disk disk;
  srp_connection* const connection = srp_connect(disk.url().c_str(), nullptr);
  ASSERT_NE(connection, nullptr) << srp_connect_error();
  char block[512];
  EXPECT_EQ(srp_read(connection, 1u << 20, 1, block, sizeof block), -EIO);
  EXPECT_NE(std::strstr(srp_error(connection), "LOGICAL BLOCK ADDRESS OUT OF RANGE"), nullptr)
      << srp_error(connection);
  srp_disconnect(connection);

  EXPECT_EQ(srp_connect("srp://127.0.0.1:1/0", nullptr), nullptr);
  EXPECT_NE(std::strstr(srp_connect_error(), "refused"), nullptr) << srp_connect_error();
  EXPECT_EQ(srp_connect("iscsi://h/0", nullptr), nullptr);
  EXPECT_NE(std::strstr(srp_connect_error(), "srp://"), nullptr) << srp_connect_error();
}

TEST(Libsrp, ManyCommandsThroughTheDescriptor) {
  Disk disk;
  srp_options options;
  srp_options_init(&options);
  options.max_requests = 32;
  srp_connection* const connection = srp_connect(disk.url().c_str(), &options);
  ASSERT_NE(connection, nullptr) << srp_connect_error();
  struct srp_capacity capacity;
  ASSERT_EQ(srp_read_capacity(connection, &capacity), 0);
  int done = 0, good = 0;
  struct Counters {
    int& done;
    int& good;
  } counters{done, good};
  const auto count = [](void* context, const srp_result* result) {
    auto& self = *static_cast<Counters*>(context);
    ++self.done;
    self.good += result->error == 0 && result->status == 0;
  };
  const std::uint8_t ready[6] = {};
  const srp_command command{.lun = SRP_URL_LUN,
                            .cdb = ready,
                            .cdb_length = sizeof ready,
                            .data_out = nullptr,
                            .data_out_length = 0,
                            .data_in = nullptr,
                            .data_in_length = 0,
                            .repeatable = 1};
  int started = 0, refused = 0;
  while (done < 1000) {
    while (started < 1000) {
      const int rc = srp_submit(connection, &command, count, &counters);
      refused += rc == -EAGAIN;
      if (rc != 0) break;
      ++started;
    }
    pollfd fd{.fd = srp_fd(connection), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&fd, 1, 10'000), 1);
    srp_service(connection);
  }
  EXPECT_EQ(good, 1000);
  EXPECT_GT(refused, 0);
  srp_disconnect(connection);
}

TEST(Libsrp, DisconnectEndsWhatIsUnderWay) {
  Disk disk;
  srp_connection* const connection = srp_connect(disk.url().c_str(), nullptr);
  ASSERT_NE(connection, nullptr) << srp_connect_error();
  int called = 0;
  const auto count = [](void* context, const srp_result*) { ++*static_cast<int*>(context); };
  const std::uint8_t ready[6] = {};
  const srp_command command{.lun = SRP_URL_LUN,
                            .cdb = ready,
                            .cdb_length = sizeof ready,
                            .data_out = nullptr,
                            .data_out_length = 0,
                            .data_in = nullptr,
                            .data_in_length = 0,
                            .repeatable = 0};
  for (int i = 0; i < 100; ++i) ASSERT_EQ(srp_submit(connection, &command, count, &called), 0);
  srp_disconnect(connection);
  EXPECT_EQ(called, 100);
}

}  // namespace
}  // namespace srpd
