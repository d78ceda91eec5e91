#include "control/disk_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

namespace srpd::control {
namespace {

using ::testing::HasSubstr;

std::string error_of(DiskKind kind, const std::string& text) {
  const auto disk = parse_disk(kind, text, 0);
  return disk ? "" : disk.error().text();
}

TEST(DiskText, Ramdisk) {
  const auto disk = parse_disk(DiskKind::ramdisk, "256M,serial=abc,name=fast,block=4096", 3);
  ASSERT_TRUE(disk) << disk.error().text();
  EXPECT_EQ(disk->store.type, "ramdisk");
  EXPECT_EQ(disk->store.size, 256u << 20);
  EXPECT_EQ(disk->store.block_size, 4096u);
  EXPECT_EQ(disk->unit_serial, "abc");
  EXPECT_EQ(disk->path(), "/backstores/ramdisk/fast");
  EXPECT_EQ(parse_disk(DiskKind::ramdisk, "1G", 3)->store.name, "ram3");
}

TEST(DiskText, FileModes) {
  const auto buffered = parse_disk(DiskKind::file, "/srv/disk.img:10G", 0);
  ASSERT_TRUE(buffered);
  EXPECT_EQ(buffered->store.path, "/srv/disk.img");
  EXPECT_EQ(buffered->store.size, std::uint64_t{10} << 30);
  EXPECT_FALSE(buffered->store.direct || buffered->store.dsync || buffered->store.read_only);
  const auto both = parse_disk(DiskKind::file, "/srv/disk.img,direct,dsync,ro", 0);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->store.size, 0u);
  EXPECT_TRUE(both->store.direct && both->store.dsync && both->store.read_only);
}

TEST(DiskText, BlockDevicesAreServedAsTheyAre) {
  const auto disk = parse_disk(DiskKind::block, "/dev/sdx,ro", 1);
  ASSERT_TRUE(disk) << disk.error().text();
  EXPECT_EQ(disk->store.type, "iblock");
  EXPECT_EQ(disk->path(), "/backstores/block/block1");
  EXPECT_TRUE(disk->store.read_only);
  EXPECT_THAT(error_of(DiskKind::block, "/dev/sdx,buffered"), HasSubstr("'buffered'"));
}

TEST(DiskText, ScsiDevicesKeepTheirIdentity) {
  const auto device = parse_disk(DiskKind::scsi, "0:0:1:0,name=tape0", 0);
  ASSERT_TRUE(device) << device.error().text();
  EXPECT_EQ(device->store.type, "pscsi");
  EXPECT_EQ(device->store.path, "0:0:1:0");
  EXPECT_EQ(device->path(), "/backstores/pscsi/tape0");
  EXPECT_THAT(error_of(DiskKind::scsi, "/dev/sg0,serial=abc"), HasSubstr("'serial=abc'"));
  EXPECT_THAT(error_of(DiskKind::scsi, "/dev/sg0,block=4096"), HasSubstr("'block=4096'"));
}

TEST(DiskText, ColonsThatBelongToThePath) {
  EXPECT_EQ(parse_disk(DiskKind::block, "/dev/disk/by-path/pci-0000:lun", 0)->store.path,
            "/dev/disk/by-path/pci-0000:lun");
  const std::string name = ::testing::TempDir() + "/srpd:64";
  std::FILE* const file = std::fopen(name.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fclose(file);
  EXPECT_EQ(parse_disk(DiskKind::file, name, 0)->store.path, name);
  ::unlink(name.c_str());
  EXPECT_EQ(parse_disk(DiskKind::file, name, 0)->store.size, 64u);
}

TEST(DiskText, MistakesAreExplained) {
  EXPECT_THAT(error_of(DiskKind::ramdisk, ""), HasSubstr("--ramdisk 256M"));
  EXPECT_THAT(error_of(DiskKind::ramdisk, "256X"), HasSubstr("unknown unit 'X'"));
  EXPECT_THAT(error_of(DiskKind::ramdisk, "1G,dsync"), HasSubstr("unknown option 'dsync'"));
  EXPECT_THAT(error_of(DiskKind::file, "/no/such/file:10Q"), HasSubstr("unknown unit 'Q'"));
  EXPECT_THAT(error_of(DiskKind::file, "/a,b"), HasSubstr("unknown option 'b'"));
  EXPECT_THAT(error_of(DiskKind::file, "/a,name=x/y"), HasSubstr("unknown option"));
  EXPECT_THAT(error_of(DiskKind::file, "/a,block=520"), HasSubstr("block=512|4096"));
}

TEST(DiskText, QuickConfigurationNumbersLunsInOrder) {
  std::vector<StorageObject> disks{*parse_disk(DiskKind::ramdisk, "1M", 0),
                                   *parse_disk(DiskKind::file, "/x", 0),
                                   *parse_disk(DiskKind::null, "1G", 0)};
  const Configuration made = quick_configuration(disks, scsi::PortId{}, {"192.0.2.1"}, false);
  ASSERT_EQ(made.targets.size(), 1u);
  const Tpg& tpg = made.targets[0].tpgs.at(0);
  ASSERT_EQ(tpg.luns.size(), 3u);
  EXPECT_EQ(tpg.luns[1].number, 1u);
  EXPECT_EQ(tpg.luns[1].storage_object, "/backstores/fileio/file0");
  EXPECT_EQ(tpg.luns[2].storage_object, "/backstores/ramdisk/null0");
  ASSERT_EQ(tpg.acls.size(), 1u);
  EXPECT_TRUE(tpg.acls[0].all_luns);
  EXPECT_FALSE(tpg.open);
}

}  // namespace
}  // namespace srpd::control
