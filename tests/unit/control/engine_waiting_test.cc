// What the engine does about things that are not there: devices that are waited for, what cannot be
// added, and protection information.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "control/json_reader.h"
#include "control/tree_restore.h"
#include "control/tree_save.h"
#include "support/tcp_device.h"
#include "unit/control/engine_fixture.h"

namespace srpd::control {
namespace {

using testing::HasSubstr;

// As a saved configuration is restored: the disk is not there yet.
TEST_F(EngineTest, WhatIsMissingIsWaitedFor) {
  const test::TemporaryFile file;
  std::filesystem::remove(file.path());
  const std::string device = "target/core/fileio_0/file0";
  make_target();
  engine_->set_patient(true);
  mkdir(device);
  EXPECT_EQ(echo("fd_dev_name=" + file.path() + ",fd_dev_size=1048576", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  engine_->set_patient(false);
  EXPECT_FALSE(std::filesystem::exists(file.path())) << "it must not be made instead";
  EXPECT_EQ(echo("the-serial", device + "/wwn/vpd_unit_serial"), 0);
  make_lun(1, "fileio_0/file0");
  map(1, 1);
  make_lun(2, "fileio_0/file0");
  map(2, 2);
  map(3, 2);
  EXPECT_EQ(echo("1", mapped(2) + "/write_protect"), 0);
  EXPECT_EQ(unlink(mapped(3) + "/lun"), 0);

  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  EXPECT_EQ(ask(**host, test_unit_ready, 1).code, 0x2500u);
  EXPECT_TRUE(engine_->look_for_waiting().empty());
  ASSERT_EQ(engine_->waiting().size(), 1u);
  EXPECT_EQ(engine_->waiting()[0].spec.name, "file0");
  EXPECT_THAT(engine_->waiting()[0].why.text(), HasSubstr("the file does not exist; mount"));

  std::ofstream(file.path()) << "x";
  std::filesystem::resize_file(file.path(), 1 << 20);
  const auto arrivals = engine_->look_for_waiting();
  ASSERT_EQ(arrivals.size(), 1u);
  lio::device_arrived(*tree_, arrivals[0].id, arrivals[0].spec, arrivals[0].properties);
  EXPECT_TRUE(engine_->waiting().empty());
  EXPECT_EQ(attentions(**host), std::vector<unsigned>{0x3f0e});
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, write_one, 1, test::pattern(512, 1)).status, 0);
  attentions(**host, 2);
  EXPECT_EQ(ask(**host, write_one, 2, test::pattern(512, 1)).code, 0x2700u);
  EXPECT_EQ(ask(**host, test_unit_ready, 3).code, 0x2500u) << "it was taken away meanwhile";
  EXPECT_EQ(ask(**host, read_one, 2, {}, 512).data, test::pattern(512, 1));
}

// As ten thousand of them are restored: nobody waits for each.
TEST_F(EngineTest, WhatAPatientThreadAddsIsThereForWhatComesNext) {
  make_target();
  engine_->set_patient(true);
  make_lun(7, "rd_mcp_0/ram0");
  map(7, 7);
  EXPECT_EQ(echo("1", mapped(7) + "/write_protect"), 0);
  engine_->set_patient(false);
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host, 7);
  EXPECT_EQ(ask(**host, test_unit_ready, 7).status, 0);
  EXPECT_EQ(ask(**host, write_one, 7, test::pattern(512, 1)).code, 0x2700u);
}

// The tree has looked, so that it cannot come to this through it. What fails is told, and can be
// removed like what does not.
TEST_F(EngineTest, WhatAPatientThreadCannotAddIsTold) {
  make_target();
  make_ramdisk("rd_mcp_1/ram1", 64, "serial-of-ram1");
  const lio::TpgId tpg{1};
  const lio::DeviceId device{2};
  constexpr std::uint16_t too_high = 20000;
  EXPECT_FALSE(engine_->add_lun(tpg, too_high, device, {})) << "who waits is told at once";
  EXPECT_TRUE(engine_->failures().empty());
  engine_->set_patient(true);
  EXPECT_TRUE(engine_->add_lun(tpg, too_high, device, {}));
  EXPECT_TRUE(engine_->map_lun(tpg, host_name, 3, too_high, false));
  EXPECT_TRUE(engine_->map_lun(tpg, "0x99", 4, 0, false)) << "no such ACL";
  EXPECT_TRUE(engine_->map_lun(tpg, host_name, 5, 0, false));
  engine_->set_patient(false);
  const auto failures = engine_->failures();
  ASSERT_EQ(failures.size(), 2u);
  const std::string target = "/srpt/ib.00000000000000000002c903000e8acc";
  EXPECT_EQ(failures[0].object, target + "/acls/ib.99/mapped_lun4");
  EXPECT_EQ(failures[1].object, target + "/luns/lun20000");
  for (const Error& each : failures) {
    EXPECT_THAT(each.cause, HasSubstr("hosts do not get it"));
    EXPECT_FALSE(each.remedy.empty());
  }
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  attentions(**host, 5);
  EXPECT_EQ(ask(**host, test_unit_ready, 5).status, 0) << "the rest goes on";
  EXPECT_EQ(ask(**host, test_unit_ready, 3).code, 0x2500u);
  engine_->unmap_lun(tpg, host_name, 3);
  engine_->unmap_lun(tpg, "0x99", 4);
  engine_->remove_lun(tpg, too_high);
  EXPECT_TRUE(engine_->failures().empty());
  engine_->unmap_lun(tpg, host_name, 5);
  EXPECT_EQ(rmdir("target/core/rd_mcp_1/ram1"), 0);
}

// What changes a byte of a file behind srpd's back.
void damage(const std::string& path, std::int64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file.put('\xa5');
}

TEST_F(EngineTest, ProtectionInformationIsAsTheAttributesSay) {
  const test::TemporaryFile file;
  const std::string side = file.path() + ".protection";
  const std::string device = "target/core/fileio_0/file0";
  const std::string attrib = device + "/attrib/";
  make_target();
  mkdir(device);
  EXPECT_EQ(echo("fd_dev_name=" + file.path() + ",fd_dev_size=1048576,fd_buffered_io=1",
                 device + "/control"),
            0);
  EXPECT_EQ(echo("1", attrib + "pi_prot_type"), ENODEV);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  EXPECT_EQ(echo("1", attrib + "pi_prot_format"), ENODEV);
  EXPECT_EQ(echo("1", attrib + "pi_prot_type"), 0);
  EXPECT_EQ(cat(attrib + "pi_prot_verify"), "1\n") << "LIO sets it with the type";
  EXPECT_EQ(std::filesystem::file_size(side), 16384u);
  EXPECT_EQ(echo("4096", attrib + "block_size"), EINVAL);
  damage(side, 7);
  EXPECT_EQ(echo("1", attrib + "pi_prot_format"), 0);
  make_lun(1, "fileio_0/file0");
  map(1, 1);
  EXPECT_EQ(echo("3", attrib + "pi_prot_type"), EINVAL);
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).status, 0);
  EXPECT_EQ(ask(**host, write_one, 1, test::pattern(512, 1)).status, 0);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).data, test::pattern(512, 1));
  damage(side, 3);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).code, 0x1002u);
  EXPECT_EQ(echo("0", attrib + "pi_prot_verify"), 0) << "while hosts use it";
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).status, 0);
  damage(file.path(), 9);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).code, 0x1001u);
  EXPECT_EQ(echo("fd_dev_size=2097152", device + "/control"), 0);
  EXPECT_EQ(std::filesystem::file_size(side), 32768u);
  attentions(**host, 1);
  EXPECT_EQ(unlink(lun(1) + "/device"), 0);
  EXPECT_EQ(echo("0", attrib + "pi_prot_type"), 0);
  EXPECT_EQ(cat(attrib + "pi_prot_verify"), "0\n");
  EXPECT_EQ(rmdir(device), 0);
  EXPECT_EQ(std::filesystem::file_size(side), 32768u) << "it stays, as on LIO";
  std::filesystem::remove(side);
}

TEST_F(EngineTest, ProtectionInformationOfMemory) {
  const std::string attrib = "target/core/rd_mcp_1/ram1/attrib/";
  make_target();
  make_ramdisk("rd_mcp_1/ram1", 64, "serial-of-ram1");
  for (const char* type : {"3", "1", "0", "1"}) EXPECT_EQ(echo(type, attrib + "pi_prot_type"), 0);
  EXPECT_EQ(echo("1", attrib + "pi_prot_format"), ENOSYS);
  make_lun(1, "rd_mcp_1/ram1");
  map(1, 1);
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, write_one, 1, test::pattern(512, 1)).status, 0);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).data, test::pattern(512, 1));
  mkdir("target/core/rd_mcp_2/null");
  EXPECT_EQ(echo("rd_pages=64,rd_nullio=1", "target/core/rd_mcp_2/null/control"), 0);
  EXPECT_EQ(echo("1", "target/core/rd_mcp_2/null/enable"), 0);
  EXPECT_EQ(echo("1", "target/core/rd_mcp_2/null/attrib/pi_prot_type"), 0);
  EXPECT_EQ(unlink(lun(1) + "/device"), 0);
  EXPECT_EQ(rmdir("target/core/rd_mcp_1/ram1"), 0);
}

// Without its protection information nothing is served that is to have it.
TEST_F(EngineTest, ProtectionInformationIsWaitedForToo) {
  const test::TemporaryFile file;
  std::filesystem::remove(file.path());
  const std::string side = file.path() + ".protection";
  const std::string device = "target/core/fileio_0/file0";
  make_target();
  engine_->set_patient(true);
  mkdir(device);
  EXPECT_EQ(echo("fd_dev_name=" + file.path() + ",fd_dev_size=1048576", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  engine_->set_patient(false);
  EXPECT_EQ(echo("1", device + "/attrib/pi_prot_type"), 0);
  make_lun(1, "fileio_0/file0");
  map(1, 1);
  std::ofstream(file.path()) << "x";
  std::filesystem::resize_file(file.path(), 1 << 20);
  std::filesystem::create_directory(side);
  EXPECT_TRUE(engine_->look_for_waiting().empty());
  EXPECT_THAT(engine_->waiting().at(0).why.text(), HasSubstr(".protection"));
  std::filesystem::remove(side);
  ASSERT_EQ(engine_->look_for_waiting().size(), 1u);
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, write_one, 1, test::pattern(512, 1)).status, 0);
  damage(file.path(), 9);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).code, 0x1001u);
  EXPECT_EQ(unlink(lun(1) + "/device"), 0);
  EXPECT_EQ(rmdir(device), 0);
  std::filesystem::remove(side);
}

// As after a restart: it was there before, and data that are to be checked are not served
// unchecked.
TEST_F(EngineTest, WithoutItsProtectionInformationADiskIsNotServed) {
  const test::TemporaryFile file;
  const std::string side = file.path() + ".protection";
  const std::string device = "target/core/fileio_0/file0";
  const auto make = [&] {
    mkdir(device);
    EXPECT_EQ(echo("fd_dev_name=" + file.path() + ",fd_dev_size=1048576", device + "/control"), 0);
    EXPECT_EQ(echo("1", device + "/enable"), 0);
    EXPECT_EQ(echo("1", device + "/attrib/pi_prot_type"), 0);
  };
  const auto restore = [&] {
    engine_->set_patient(true);
    make();
    make_lun(1, "fileio_0/file0");
    map(1, 1);
    engine_->set_patient(false);
  };
  const auto remove = [&] {
    EXPECT_EQ(unlink(mapped(1) + "/lun"), 0);
    EXPECT_EQ(rmdir(mapped(1)), 0);
    EXPECT_EQ(unlink(lun(1) + "/device"), 0);
    EXPECT_EQ(rmdir(lun(1)), 0);
    EXPECT_EQ(rmdir(device), 0);
  };
  make_target();
  make();
  EXPECT_EQ(rmdir(device), 0);
  const auto why = [this] {
    const auto waiting = engine_->waiting();
    return waiting.empty() ? std::string("nothing") : error_of(waiting[0]).text();
  };

  restore();
  EXPECT_EQ(why(), "nothing");
  remove();

  std::filesystem::resize_file(side, 16384 - 8);
  restore();
  EXPECT_THAT(why(), HasSubstr(side));
  EXPECT_THAT(why(), HasSubstr("it was cut; bring it back from a backup; or give it up"));
  auto host = log_in();
  ASSERT_TRUE(host) << host.error().text();
  attentions(**host);
  EXPECT_EQ(ask(**host, test_unit_ready, 1).code, 0x2500u);
  EXPECT_TRUE(engine_->look_for_waiting().empty());
  EXPECT_EQ(std::filesystem::file_size(side), 16384u - 8) << "nobody has said that it may be made";
  std::filesystem::resize_file(side, 16384);
  damage(side, 16383);
  EXPECT_EQ(engine_->look_for_waiting().size(), 1u);
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, test_unit_ready, 1).status, 0);
  EXPECT_EQ(echo("1", device + "/attrib/pi_prot_format"), EINVAL) << "hosts see it";
  remove();

  // Gone for good: whoever knows that says so.
  std::filesystem::remove(side);
  restore();
  EXPECT_THAT(why(), HasSubstr("the file does not exist"));
  EXPECT_EQ(cat(device + "/attrib/pi_prot_type"), "1\n") << "it is saved so";
  EXPECT_TRUE(engine_->look_for_waiting().empty());
  EXPECT_FALSE(std::filesystem::exists(side));
  EXPECT_EQ(echo("1", device + "/attrib/pi_prot_format"), 0);
  EXPECT_EQ(engine_->look_for_waiting().size(), 1u);
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, write_one, 1, test::pattern(512, 1)).status, 0);
  damage(file.path(), 9);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).code, 0x1001u);
  remove();

  // Or serves it without.
  std::filesystem::remove(side);
  restore();
  EXPECT_EQ(echo("0", device + "/attrib/pi_prot_type"), 0);
  EXPECT_EQ(engine_->look_for_waiting().size(), 1u);
  attentions(**host, 1);
  EXPECT_EQ(ask(**host, read_one, 1, {}, 512).status, 0);
  EXPECT_EQ(echo("1", device + "/attrib/pi_prot_type"), EINVAL);
  remove();
}

// What is only assumed of it is not to get into the saved configuration.
TEST_F(EngineTest, WhatIsWaitedForIsSavedAsItWas) {
  const test::TemporaryFile file;
  std::filesystem::remove(file.path());
  const auto object = [](const char* name, const std::string& rest) {
    return std::string(R"({"plugin": "block", "dev": "/dev/no-such-device", "name": ")") + name +
           "\"" + rest + "}";
  };
  const std::string said =
      R"({"block_size": 4096, "emulate_tpu": 1, "emulate_write_cache": 1, "is_nonrot": 1,)"
      R"( "max_unmap_lba_count": 8388607, "max_write_same_len": 65535, "optimal_sectors": 1024,)"
      R"( "queue_depth": 256})";
  const std::string text =
      R"({"targets": [], "storage_objects": [)" +
      object("said", R"(, "write_back": true, "attributes": )" + said) + "," +
      object("unsaid", "") +
      R"(, {"plugin": "fileio", "name": "late", "size": 1048576, "attributes":)"
      R"( {"max_unmap_lba_count": 77, "queue_depth": 4096}, "dev": ")" +
      file.path() + "\"}]}";
  engine_->set_patient(true);
  const auto problems = restore_tree(*tree_, text);
  engine_->set_patient(false);
  ASSERT_TRUE(problems);
  EXPECT_EQ(problems->size(), 0u) << problems->front().text();
  ASSERT_EQ(engine_->waiting().size(), 3u);

  const Json objects = (*parse_json(save_tree(*tree_).text))["storage_objects"];
  const auto saved = [&](const char* name) {
    for (const Json& each : objects)
      if (each["name"] == name) return each;
    return Json();
  };
  const Json wanted = *parse_json(said);
  for (const auto& [name, value] : wanted.items())
    EXPECT_EQ(saved("said")["attributes"].value(name, Json()), value) << name;
  EXPECT_EQ(saved("said").value("write_back", Json()), true);
  EXPECT_FALSE(saved("said")["attributes"].contains("max_unmap_block_desc_count"));
  EXPECT_FALSE(saved("unsaid").contains("write_back"));
  for (const char* name : {"block_size", "max_unmap_lba_count", "queue_depth"})
    EXPECT_FALSE(saved("unsaid")["attributes"].contains(name)) << name;
  EXPECT_TRUE(saved("unsaid")["attributes"].contains("emulate_tas"));
  EXPECT_EQ(saved("late")["write_back"], false);

  std::ofstream(file.path()) << "x";
  std::filesystem::resize_file(file.path(), 1 << 20);
  const auto arrivals = engine_->look_for_waiting();
  ASSERT_EQ(arrivals.size(), 1u);
  lio::device_arrived(*tree_, arrivals[0].id, arrivals[0].spec, arrivals[0].properties);
  const std::string late = arrivals[0].spec.hba + "/late/attrib/";
  EXPECT_EQ(cat("target/core/" + late + "max_unmap_lba_count"), "77\n");
  EXPECT_EQ(cat("target/core/" + late + "queue_depth"), "128\n") << "it has no more";
  EXPECT_TRUE(parse_json(save_tree(*tree_).text)->dump().find("max_unmap_block_desc_count") !=
              std::string::npos);
}

TEST_F(EngineTest, WhatIsWaitedForCanBeRemoved) {
  make_target();
  engine_->set_patient(true);
  const std::string device = "target/core/iblock_0/gone";
  mkdir(device);
  EXPECT_EQ(echo("udev_path=/dev/no-such-device", device + "/control"), 0);
  EXPECT_EQ(echo("1", device + "/enable"), 0);
  make_lun(1, "iblock_0/gone");
  map(1, 1);
  EXPECT_EQ(unlink(lun(1) + "/device"), 0);
  EXPECT_EQ(rmdir(device), 0);
  EXPECT_TRUE(engine_->waiting().empty());
  EXPECT_TRUE(engine_->look_for_waiting().empty());
}

}  // namespace
}  // namespace srpd::control
