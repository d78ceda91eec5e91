// Which RDMA port leads to a target.
#include "kernel/ports.h"

#include <gtest/gtest.h>

#include "fake_kernel.h"

namespace srpd::kernel {
namespace {

class Ports : public testing::Test {
 protected:
  Expected<Port> choose(const std::string& login, const std::string& device = "") {
    return port_for(kernel_.files(), login_of(login), device,
                    [this](std::string_view) -> Expected<Route> { return route_; });
  }
  FakeKernel kernel_;
  Route route_ = route_through("eth0", "::ffff:192.0.2.1");
  const std::string to_ip_ = "id_ext=1,ioc_guid=1,dest=192.0.2.10:5555";
  const std::string to_gid_ =
      "id_ext=1,ioc_guid=1,dgid=fe800000000000000000000000000009,pkey=ffff,service_id=1";
};

TEST_F(Ports, WithoutIbSrp) {
  const auto port = choose(to_ip_);
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().object, "ib_srp");
  EXPECT_NE(port.error().remedy.find("modprobe ib_srp"), std::string::npos);
}

TEST_F(Ports, WithoutDevice) {
  std::filesystem::create_directories(kernel_.root + "/sys/class/infiniband_srp");
  const auto port = choose(to_ip_);
  ASSERT_FALSE(port);
  EXPECT_NE(port.error().remedy.find("rdma link add"), std::string::npos);
}

TEST_F(Ports, AnIwarpDeviceByItsEthernetAddress) {
  kernel_.add_interface("eth0", "02:00:00:00:00:0a");
  kernel_.add_interface("eth1", "02:00:00:00:00:0b");
  kernel_.add_device("siw1", "0200:0000:000b:0000:0000:0000:0000:0000", "Ethernet");
  kernel_.add_device("siw0", "0200:0000:000a:0000:0000:0000:0000:0000", "Ethernet");
  const auto port = choose(to_ip_);
  ASSERT_TRUE(port) << port.error().text();
  EXPECT_EQ(port->name, "srp-siw0-1");
  EXPECT_EQ(port->add_target(), "/sys/class/infiniband_srp/srp-siw0-1/add_target");
}

TEST_F(Ports, ARoceDeviceByItsGid) {
  kernel_.add_device("rxe1", "0000:0000:0000:0000:0000:ffff:c000:0202", "Ethernet");
  kernel_.add_device("rxe0", "0000:0000:0000:0000:0000:ffff:c000:0201", "Ethernet");
  const auto port = choose(to_ip_);
  ASSERT_TRUE(port);
  EXPECT_EQ(port->device, "rxe0");
}

TEST_F(Ports, ADeviceByTheInterfaceOfItsGid) {
  kernel_.add_device("mlx5_0", "fe80:0000:0000:0000:0000:0000:0000:0001", "Ethernet");
  kernel_.put("/sys/class/infiniband/mlx5_0/ports/1/gid_attrs/ndevs/0", "eth0\n");
  ASSERT_TRUE(choose(to_ip_));
}

TEST_F(Ports, IpoibByItsHardwareAddress) {
  kernel_.add_interface("eth0", "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:0e:8a:cd");
  kernel_.add_device("mlx4_0", "fe80:0000:0000:0000:0002:c903:000e:8acd", "InfiniBand");
  const auto port = choose(to_ip_);
  ASSERT_TRUE(port);
  EXPECT_EQ(port->device, "mlx4_0");
}

TEST_F(Ports, NoDeviceOnTheInterface) {
  kernel_.add_interface("eth0", "02:00:00:00:00:0a");
  kernel_.add_device("siw1", "0200:0000:000b:0000:0000:0000:0000:0000", "Ethernet");
  const auto port = choose(to_ip_);
  ASSERT_FALSE(port);
  EXPECT_NE(port.error().cause.find("eth0"), std::string::npos);
  EXPECT_NE(port.error().remedy.find("netdev eth0"), std::string::npos);
}

TEST_F(Ports, NoRoute) {
  kernel_.add_device("siw0", "0200:0000:000a:0000:0000:0000:0000:0000", "Ethernet");
  const auto port =
      port_for(kernel_.files(), login_of(to_ip_), "", [](std::string_view) -> Expected<Route> {
        return failure("address x", "no way there", "check the routes");
      });
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error().cause, "no way there");
}

TEST_F(Ports, AnActivePortFirst) {
  kernel_.add_interface("eth0", "02:00:00:00:00:0a");
  kernel_.add_device("siw0", "0200:0000:000a:0000:0000:0000:0000:0000", "Ethernet", "1: DOWN");
  kernel_.add_device("siw9", "0200:0000:000a:0000:0000:0000:0000:0000", "Ethernet");
  EXPECT_EQ(choose(to_ip_)->device, "siw9");
}

TEST_F(Ports, InfinibandInTheSameSubnet) {
  kernel_.add_device("rxe0", "fe80:0000:0000:0000:0000:0000:0000:0001", "Ethernet");
  kernel_.add_device("ib0", "fe81:0000:0000:0000:0000:0000:0000:0001", "InfiniBand");
  kernel_.add_device("ib1", "fe80:0000:0000:0000:0000:0000:0000:0001", "InfiniBand");
  EXPECT_EQ(choose(to_gid_)->device, "ib1");
}

TEST_F(Ports, InfinibandWhereThereIsNone) {
  kernel_.add_device("rxe0", "fe80:0000:0000:0000:0000:0000:0000:0001", "Ethernet");
  const auto port = choose(to_gid_);
  ASSERT_FALSE(port);
  EXPECT_NE(port.error().cause.find("InfiniBand"), std::string::npos);
}

TEST_F(Ports, TheChosenDevice) {
  kernel_.add_device("siw0", "0200:0000:000a:0000:0000:0000:0000:0000", "Ethernet");
  EXPECT_EQ(choose(to_ip_, "siw0")->device, "siw0");
  EXPECT_EQ(choose(to_ip_, "siw0:1")->device, "siw0");
  const auto other = choose(to_ip_, "siw7");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().remedy.find("siw0:1"), std::string::npos);
}

TEST(Route, OfLoopback) {
  const auto route = route_to("127.0.0.1:5555");
  ASSERT_TRUE(route) << route.error().text();
  EXPECT_EQ(route->interface, "lo");
  EXPECT_EQ(route->source, parse_gid("::ffff:127.0.0.1"));
}

TEST(Route, NamesAreNotLookedUp) {
  for (const char* const text : {"localhost:5555", "127.0.0.1", "", ":1", "[::1]:x"}) {
    const auto route = route_to(text);
    ASSERT_FALSE(route) << text;
    EXPECT_FALSE(route.error().remedy.empty());
  }
}

}  // namespace
}  // namespace srpd::kernel
