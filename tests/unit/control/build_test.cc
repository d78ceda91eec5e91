#include "control/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/disk_text.h"
#include "control/identity.h"
#include "control/saveconfig.h"
#include "runtime/simulated_loop.h"

namespace srpd::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BuildTest : public ::testing::Test {
 protected:
  static StorageObject ramdisk(const std::string& name, const std::string& serial = "") {
    StorageObject object;
    object.plugin = "ramdisk";
    object.store.type = "ramdisk";
    object.store.name = name;
    object.store.size = 1u << 20;
    object.unit_serial = serial;
    return object;
  }
  static Configuration with(std::vector<StorageObject> objects, Tpg tpg) {
    Configuration configuration;
    configuration.storage_objects = std::move(objects);
    configuration.targets.push_back({.name = "ib.01", .id = {}, .tpgs = {std::move(tpg)}});
    return configuration;
  }
  Built made(const Configuration& configuration) { return build(configuration, "machine", loop); }
  static std::vector<std::string> texts(const Built& built) {
    std::vector<std::string> all;
    for (const Error& problem : built.problems) all.push_back(problem.text());
    return all;
  }

  runtime::Simulation simulation{1};
  runtime::SimulatedLoop loop{simulation};
};

TEST_F(BuildTest, UnitsAndPortAsConfigured) {
  Tpg tpg;
  tpg.luns = {{0, "/backstores/ramdisk/a"}, {300, "/backstores/ramdisk/b"}};
  tpg.acls = {{"192.0.2.7", false, {{5, 300, true}}}, {"ib.02", true, {}}};
  const Built built = made(with({ramdisk("a", "serial-a"), ramdisk("b")}, tpg));
  EXPECT_THAT(texts(built), IsEmpty());
  ASSERT_EQ(built.units.size(), 2u);
  EXPECT_EQ(built.units[0]->identity().unit_serial, "serial-a");
  EXPECT_EQ(built.units[1]->identity().unit_serial, derived_serial("machine", "ramdisk b"));
  ASSERT_EQ(built.ports.size(), 1u);
  const target::PortDescription& port = built.ports[0];
  EXPECT_FALSE(port.open);
  EXPECT_TRUE(port.any_identifier);
  EXPECT_EQ(port.luns[1].lu, built.units[1]);
  ASSERT_EQ(port.acls.size(), 2u);
  EXPECT_TRUE(port.acls[0].key.matches({}, "192.0.2.7"));
  ASSERT_EQ(port.acls[0].luns.size(), 1u);
  EXPECT_EQ(port.acls[0].luns[0].number, 5u);
  EXPECT_TRUE(port.acls[0].luns[0].write_protected);
  ASSERT_EQ(port.acls[1].luns.size(), 2u);
  EXPECT_EQ(port.acls[1].luns[1].number, 300u);
  EXPECT_FALSE(port.acls[1].luns[1].write_protected);
}

TEST_F(BuildTest, TheRestIsServedAndEachProblemNamed) {
  Tpg tpg;
  tpg.luns = {{0, "/backstores/ramdisk/a"},
              {1, "/backstores/fileio/gone"},
              {2, "/backstores/ramdisk/never"},
              {0, "/backstores/ramdisk/a"},
              {16384, "/backstores/ramdisk/a"}};
  tpg.acls = {{"not an initiator", false, {}},
              {"ib.02", false, {{0, 0, false}, {0, 0, true}, {1, 1, false}, {20000, 0, false}}}};
  StorageObject gone;
  gone.plugin = "fileio";
  gone.store.type = "fileio";
  gone.store.name = "gone";
  gone.store.path = "/nonexistent/disk.img";
  const Built built = made(
      with({ramdisk("a", "same"), ramdisk("a"), ramdisk("twin", "same"), gone, ramdisk("c", "x y")},
           tpg));
  EXPECT_THAT(
      texts(built),
      ElementsAre(HasSubstr("/backstores/ramdisk/a: there are two storage objects"),
                  HasSubstr("twin: it has the same serial same as /backstores/ramdisk/a"),
                  HasSubstr("gone (/nonexistent/disk.img): the file does not exist"),
                  HasSubstr("/backstores/ramdisk/c: its serial is"),
                  HasSubstr("LUN 1: its storage object /backstores/fileio/gone is not served"),
                  HasSubstr("LUN 2: there is no storage object /backstores/ramdisk/never"),
                  HasSubstr("LUN 0: there are two LUNs"), HasSubstr("LUN 16384: LUN numbers end"),
                  HasSubstr("ACL not an initiator"),
                  HasSubstr("mapped LUN 0: there are two mapped LUNs"),
                  HasSubstr("mapped LUN 1: LUN 1 of the target is not served"),
                  HasSubstr("mapped LUN 20000: LUN numbers end")));
  EXPECT_EQ(built.units.size(), 1u);
  EXPECT_EQ(built.ports.at(0).luns.size(), 1u);
  ASSERT_EQ(built.ports.at(0).acls.size(), 1u);
  EXPECT_EQ(built.ports.at(0).acls[0].luns.size(), 1u);
}

TEST_F(BuildTest, AttributesAreHonouredOrReported) {
  StorageObject object = ramdisk("a");
  object.attributes = {
      {"queue_depth", 32}, {"emulate_tpu", 0}, {"emulate_3pc", 0}, {"emulate_model_alias", 1}};
  const Built built = made(with({object}, {}));
  ASSERT_EQ(built.units.size(), 1u);
  EXPECT_EQ(built.units[0]->attributes().queue_depth, 32u);
  EXPECT_FALSE(built.units[0]->attributes().emulate_tpu);
  EXPECT_EQ(built.units[0]->identity().product, "a");
  EXPECT_THAT(texts(built),
              ElementsAre(HasSubstr("/backstores/ramdisk/a attribute emulate_3pc: turning")));
}

TEST_F(BuildTest, ProtectionInformationIsKeptWhereItIsAskedFor) {
  StorageObject object = ramdisk("a");
  object.attributes = {{"pi_prot_type", 1}, {"pi_prot_verify", 1}};
  const Built built = made(with({object, ramdisk("b")}, {}));
  ASSERT_EQ(built.units.size(), 2u);
  EXPECT_THAT(built.units[0]->store().description(), HasSubstr("protection information of type 1"));
  EXPECT_EQ(built.units[0]->store().map(0, 512), nullptr);
  EXPECT_NE(built.units[1]->store().map(0, 512), nullptr);
  EXPECT_THAT(texts(built), ElementsAre());
}

TEST_F(BuildTest, SeveralTargetsAreToldApartByName) {
  Configuration configuration = with({ramdisk("a")}, {});
  configuration.targets.push_back(configuration.targets.front());
  const Built built = made(configuration);
  ASSERT_EQ(built.ports.size(), 2u);
  EXPECT_FALSE(built.ports[0].any_identifier);
  EXPECT_EQ(built.ports[0].scsi.relative_target_port, 1u);
  EXPECT_EQ(built.ports[1].scsi.relative_target_port, 2u);
}

TEST_F(BuildTest, TheSameFileKeepsItsSerialUnderAnyName) {
  const std::string directory = ::testing::TempDir() + "/srpd-build-" + std::to_string(::getpid());
  std::filesystem::create_directory(directory);
  const auto serial = [&](const std::string& path) {
    const auto disk = parse_disk(DiskKind::file, path, 0);
    const Built built = made(quick_configuration({*disk}, {}, {}, true));
    return built.units.empty() ? "" : built.units[0]->identity().unit_serial;
  };
  const std::string first = serial(directory + "/disk.img:1M");
  EXPECT_NE(first, "");
  EXPECT_EQ(first, serial(directory + "/../" +
                          std::filesystem::path(directory).filename().string() + "/disk.img"));
  EXPECT_NE(first, serial(directory + "/other.img:1M"));
  std::filesystem::remove_all(directory);
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

/// The file LIO's tools saved, with its backing files in a directory of this test, and without the
/// devices that other machine had.
TEST_F(BuildTest, ServesWhatLioSaved) {
  const std::string directory = ::testing::TempDir() + "/srpd-lio-" + std::to_string(::getpid());
  std::filesystem::create_directory(directory);
  std::ifstream in(std::string(SRPD_TEST_DATA) + "/saveconfig_lio.json");
  std::stringstream text;
  text << in.rdbuf();
  std::string json = text.str();
  replace_all(json, "\"/tmp/", "\"" + directory + "/");
  replace_all(json, "\"/dev/", "\"/nonexistent/");
  const auto saved = parse_saveconfig(json);
  ASSERT_TRUE(saved);
  {
    const Built built = made(saved->configuration);
    EXPECT_THAT(texts(built), ElementsAre(HasSubstr("pt0 (/nonexistent/sda): there is no such"),
                                          HasSubstr("blk1 (/nonexistent/nullb0): there is no such"),
                                          HasSubstr("blk0 (/nonexistent/ram0): there is no such")));
    ASSERT_EQ(built.units.size(), 4u);
    EXPECT_TRUE(built.units[0]->store().properties().write_cache);
    EXPECT_FALSE(built.units[1]->store().properties().write_cache);
    EXPECT_EQ(built.units[1]->attributes().max_unmap_lba_count, 8192u);
    ASSERT_EQ(built.ports.size(), 1u);
    EXPECT_EQ(built.ports[0].scsi.name, "0xfe80000000000000000000fffe000001");
    EXPECT_EQ(built.ports[0].luns.size(), 2u);
    ASSERT_EQ(built.ports[0].acls.size(), 2u);
    EXPECT_TRUE(built.ports[0].acls[0].luns.at(0).write_protected);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace srpd::control
