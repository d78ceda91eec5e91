// Where a listener on every InfiniBand port looks for them, in a folder that looks like sysfs.
#include "transport/verbs/find_devices.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace srpd::transport::verbs {
namespace {

namespace fs = std::filesystem;

class FindDevices : public ::testing::Test {
 protected:
  FindDevices() {
    std::string name = ::testing::TempDir() + "srpd-devices-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) folder_ = name;
  }
  ~FindDevices() override { fs::remove_all(folder_); }

  void add_port(const std::string& device, int number, const std::string& link_layer,
                const std::string& gid) {
    const fs::path port = folder_ / device / "ports" / std::to_string(number);
    fs::create_directories(port / "gids");
    std::ofstream(port / "link_layer") << link_layer << '\n';
    if (!gid.empty()) std::ofstream(port / "gids" / "0") << gid << '\n';
  }
  std::vector<std::string> found() const {
    std::vector<std::string> texts;
    for (const Address& each : infiniband_addresses(folder_)) texts.push_back(each.text());
    std::sort(texts.begin(), texts.end());
    return texts;
  }

  fs::path folder_;
};

TEST_F(FindDevices, EveryInfinibandPort) {
  add_port("mlx4_0", 1, "InfiniBand", "fe80:0000:0000:0000:0002:c903:000e:8acd");
  add_port("mlx4_0", 2, "InfiniBand", "fe80:0000:0000:0000:0002:c903:000e:8ace");
  add_port("mlx4_1", 1, "InfiniBand", "fe80:0000:0000:0000:0002:c903:000e:9acd");
  EXPECT_EQ(found(),
            (std::vector<std::string>{"ib:[fe80::2:c903:e:8acd]:0", "ib:[fe80::2:c903:e:8ace]:0",
                                      "ib:[fe80::2:c903:e:9acd]:0"}));
}

TEST_F(FindDevices, NoPortOfEthernetNorOneThatIsGoing) {
  add_port("rxe0", 1, "Ethernet", "fe80:0000:0000:0000:0002:c903:000e:8acd");
  add_port("mlx4_0", 1, "InfiniBand", "");
  add_port("mlx4_1", 1, "InfiniBand", "nonsense");
  fs::create_directories(folder_ / "mlx4_2");
  EXPECT_EQ(found(), std::vector<std::string>{});
}

TEST_F(FindDevices, NothingWhereThereIsNoRdma) {
  fs::remove_all(folder_);
  EXPECT_EQ(found(), std::vector<std::string>{});
}

}  // namespace
}  // namespace srpd::transport::verbs
