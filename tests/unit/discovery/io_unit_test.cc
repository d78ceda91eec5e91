// Target ports as controllers and services, and how a unit changes.
#include "discovery/io_unit.h"

#include <gtest/gtest.h>

#include "unit/discovery/example.h"

namespace srpd::discovery {
namespace {

TEST(IoUnit, PortsOfOneGuidAreServicesOfOneController) {
  const std::vector<ServedPort> ports{
      {1, 0xa, 0x13f1111}, {2, 0xb, 0x13f1111}, {3, 0xa, 0x13f2222, 1 << 20}};
  const auto controllers = controllers_of(ports, {0x2c9, 0x673c, 0xb0}, 9000);
  ASSERT_EQ(controllers.size(), 2u);
  EXPECT_EQ(controllers[0].guid, 0xau);
  EXPECT_EQ(controllers[0].vendor, 0x2c9u);
  EXPECT_EQ(controllers[0].device_version, 0xb0u);
  EXPECT_EQ(controllers[0].send_size, 9000u);
  const std::vector<Service> expected{{"SRP.T10:0000000000000001", 0x13f1111},
                                      {"SRP.T10:0000000000000003", 0x13f2222}};
  EXPECT_EQ(controllers[0].services, expected);
  EXPECT_EQ(controllers[0].rdma_size, 1u << 20);
  EXPECT_EQ(controllers[1].guid, 0xbu);
  EXPECT_EQ(controllers[1].rdma_size, 65536u);
}

TEST(IoUnit, ServiceNames) {
  EXPECT_EQ(id_ext_of({"SRP.T10:0002C903000E8ACC", 0}), 0x0002c903000e8accu);
  EXPECT_EQ(id_ext_of({"SRP.T10:1f", 0}), 0x1fu);
  for (const char* const name :
       {"", "SRP.T10:", "SRP.T10:x", "SRP.T10:12345678123456781", "NVMe", "SRP.T10:12 "})
    EXPECT_FALSE(id_ext_of({name, 0})) << name;
}

TEST(IoUnit, ChangesOnlyWhenSomethingDiffers) {
  IoUnit unit = test::unit_of({{1, 0xa, 5}, {1, 0xb, 5}});
  EXPECT_EQ(unit.change_id, 1);
  const std::vector<ServedPort> reversed{{1, 0xb, 5}, {1, 0xa, 5}};
  EXPECT_EQ(update(unit, controllers_of(reversed, test::wiki_hardware)), false);
  EXPECT_EQ(unit.change_id, 1);
  const std::vector<ServedPort> other_service{{1, 0xb, 6}, {1, 0xa, 5}};
  EXPECT_EQ(update(unit, controllers_of(other_service, test::wiki_hardware)), true);
  EXPECT_EQ(unit.change_id, 2);
}

TEST(IoUnit, ControllersKeepTheirSlots) {
  IoUnit unit = test::unit_of({{1, 0xa, 5}, {1, 0xb, 5}, {1, 0xc, 5}});
  const std::vector<ServedPort> without_b{{1, 0xc, 5}, {1, 0xa, 5}};
  ASSERT_EQ(update(unit, controllers_of(without_b)), true);
  EXPECT_EQ(unit.controllers.at(1).guid, 0xau);
  EXPECT_EQ(unit.controllers.count(2), 0u);
  EXPECT_EQ(unit.controllers.at(3).guid, 0xcu);
  const std::vector<ServedPort> with_d{{1, 0xd, 5}, {1, 0xc, 5}, {1, 0xa, 5}};
  ASSERT_EQ(update(unit, controllers_of(with_d)), true);
  EXPECT_EQ(unit.controllers.at(2).guid, 0xdu);
  EXPECT_EQ(unit.change_id, 3);
}

TEST(IoUnit, GrowsBeyondSixteenSlots) {
  std::vector<ServedPort> ports;
  for (std::uint64_t i = 1; i <= 20; ++i) ports.push_back({i, i, i});
  EXPECT_EQ(test::unit_of(ports).max_controllers, 20);
}

TEST(IoUnit, RefusesWhatTheAttributesCannotHold) {
  IoUnit unit = test::wiki_unit();
  const IoUnit before = unit;
  std::vector<ServedPort> ports;
  for (std::uint64_t i = 1; i <= 256; ++i) ports.push_back({i, i, i});
  EXPECT_FALSE(update(unit, controllers_of(ports)));
  for (ServedPort& port : ports) port.ioc_guid = 1;
  const auto services = update(unit, controllers_of(ports));
  ASSERT_FALSE(services);
  EXPECT_NE(services.error().text().find("256 services"), std::string::npos);
  std::vector<Controller> long_names(1);
  long_names[0].id.assign(65, 'x');
  EXPECT_FALSE(update(unit, long_names));
  long_names[0].id.clear();
  long_names[0].services = {{std::string(41, 'x'), 1}};
  EXPECT_FALSE(update(unit, long_names));
  EXPECT_EQ(unit, before);
}

}  // namespace
}  // namespace srpd::discovery
