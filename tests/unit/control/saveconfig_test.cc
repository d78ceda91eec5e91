#include "control/saveconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace srpd::control {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string lio_file() {
  std::ifstream in(std::string(SRPD_TEST_DATA) + "/saveconfig_lio.json");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> texts(const Problems& problems) {
  std::vector<std::string> all;
  for (const Error& problem : problems) all.push_back(problem.text());
  return all;
}

SavedConfiguration parsed(const std::string& text) {
  auto saved = parse_saveconfig(text);
  EXPECT_TRUE(saved) << saved.error().text();
  return saved ? std::move(*saved) : SavedConfiguration{};
}

/// A file with one storage object whose entries are `entries`.
std::string with_object(const std::string& entries) {
  return R"({"storage_objects": [{)" + entries + R"(}], "targets": []})";
}

TEST(Saveconfig, ReadsTheStorageObjectsOfLio) {
  const SavedConfiguration saved = parsed(lio_file());
  std::vector<std::string> paths;
  for (const StorageObject& object : saved.configuration.storage_objects)
    paths.push_back(object.path());
  EXPECT_THAT(paths, ElementsAre("/backstores/pscsi/pt0", "/backstores/block/blk1",
                                 "/backstores/block/blk0", "/backstores/fileio/file1",
                                 "/backstores/fileio/file0", "/backstores/ramdisk/null0",
                                 "/backstores/ramdisk/ram0"));
  EXPECT_EQ(saved.configuration.storage_objects[0].store.type, "pscsi");
  EXPECT_EQ(saved.configuration.storage_objects[0].store.path, "/dev/sda");
  const auto& blk1 = saved.configuration.storage_objects[1];
  EXPECT_EQ(blk1.store.type, "iblock");
  EXPECT_EQ(blk1.store.path, "/dev/nullb0");
  EXPECT_TRUE(blk1.store.read_only);
  EXPECT_TRUE(blk1.store.exclusive);
  EXPECT_EQ(blk1.unit_serial, "d2a4c8b7-90ab-4c1d-8e2f-7b6a5c4d3e44");
  EXPECT_FALSE(saved.configuration.storage_objects[2].store.read_only);
  const auto& file1 = saved.configuration.storage_objects[3];
  EXPECT_EQ(file1.store.path, "/tmp/file1.img");
  EXPECT_EQ(file1.store.size, 8388608u);
  EXPECT_FALSE(file1.store.dsync);
  EXPECT_EQ(file1.unit_serial, "7a1de7b5-4c6e-4f1c-8d7e-1f6f4b0c9b22");
  EXPECT_TRUE(saved.configuration.storage_objects[4].store.dsync);
  EXPECT_EQ(saved.configuration.storage_objects[5].store.type, "null");
  EXPECT_EQ(saved.configuration.storage_objects[6].store.type, "ramdisk");
  EXPECT_EQ(saved.configuration.storage_objects[6].store.size, 16777216u);
}

TEST(Saveconfig, ReadsTheTargetOfLio) {
  const SavedConfiguration saved = parsed(lio_file());
  ASSERT_EQ(saved.configuration.targets.size(), 1u);
  const Target& target = saved.configuration.targets[0];
  EXPECT_EQ(target.name, "ib.fe80000000000000000000fffe000001");
  EXPECT_EQ(static_cast<unsigned>(target.id[0]), 0xfeu);
  ASSERT_EQ(target.tpgs.size(), 1u);
  const Tpg& tpg = target.tpgs[0];
  EXPECT_TRUE(tpg.enabled);
  EXPECT_FALSE(tpg.open);
  ASSERT_EQ(tpg.luns.size(), 2u);
  EXPECT_EQ(tpg.luns[0].number, 1u);
  EXPECT_EQ(tpg.luns[0].storage_object, "/backstores/fileio/file0");
  ASSERT_EQ(tpg.acls.size(), 2u);
  EXPECT_EQ(tpg.acls[0].initiator, "ib.00000000000000000002c90300a0b0d2");
  ASSERT_EQ(tpg.acls[0].luns.size(), 2u);
  EXPECT_TRUE(tpg.acls[0].luns[0].write_protected);
  EXPECT_FALSE(tpg.acls[0].luns[1].write_protected);
}

TEST(Saveconfig, NamesEachThingItCannotServe) {
  EXPECT_THAT(texts(parsed(lio_file()).problems),
              ElementsAre(HasSubstr("/backstores/user/usr0: backstores of type 'user'"),
                          HasSubstr("/backstores/ramdisk/ram0: the ALUA group \"gp1\"")));
}

TEST(Saveconfig, EveryCutIsAnErrorWithItsPlace) {
  const std::string whole = lio_file();
  const std::size_t end = whole.rfind('}') + 1;
  for (std::size_t length = 0; length < end; length += 1 + length / 97) {
    const auto saved = parse_saveconfig(whole.substr(0, length));
    ASSERT_FALSE(saved) << length;
    EXPECT_THAT(saved.error().cause, HasSubstr(length == 0 ? "empty" : "line ")) << length;
    EXPECT_THAT(saved.error().remedy, HasSubstr("backup"));
  }
}

TEST(Saveconfig, EveryValueOfAnotherTypeIsSurvived) {
  const std::string whole = lio_file();
  const std::vector<std::string> values{"null", "-1", "1e300", "\"x\"",
                                        "[]",   "{}", "[1]",   "99999999999999999999"};
  std::size_t tried = 0;
  for (std::size_t colon = whole.find("\": "); colon != std::string::npos;
       colon = whole.find("\": ", colon + 1)) {
    const std::size_t start = colon + 3;
    if (whole[start] == '{' || whole[start] == '[') continue;
    std::size_t end = whole.find('\n', start);
    if (whole[end - 1] == ',') --end;
    const std::string& value = values[tried++ % values.size()];
    const auto saved = parse_saveconfig(whole.substr(0, start) + value + whole.substr(end));
    EXPECT_TRUE(saved) << whole.substr(colon - 20, 40);
  }
  EXPECT_GT(tried, 200u);
}

TEST(Saveconfig, DepthAndFormAreLimited) {
  EXPECT_FALSE(parse_saveconfig(std::string(1'000'000, '[')));
  EXPECT_FALSE(parse_saveconfig(std::string(100, '[') + std::string(100, ']')));
  EXPECT_FALSE(parse_saveconfig("[]"));
  EXPECT_FALSE(parse_saveconfig("\xff\xfe"));
  EXPECT_FALSE(parse_saveconfig("{} x"));
  EXPECT_THAT(texts(parsed("{}").problems), ElementsAre(HasSubstr("is it the right file")));
}

TEST(Saveconfig, UnknownEntriesAreReported) {
  const auto saved = parsed(with_object(
      R"("name": "ram0", "plugin": "ramdisk", "size": 4096, "colour": "red",
          "attributes": {"x": "y"})"));
  EXPECT_EQ(saved.configuration.storage_objects.size(), 1u);
  EXPECT_THAT(texts(saved.problems), Contains(HasSubstr("unknown entry 'colour'")));
  EXPECT_THAT(texts(saved.problems), Contains(HasSubstr("'x' is string, not a whole number")));
}

TEST(Saveconfig, MissingAndWrongEntriesAreReported) {
  EXPECT_THAT(texts(parsed(with_object(R"("name": "ram0")")).problems),
              ElementsAre(HasSubstr("'plugin' is missing")));
  EXPECT_THAT(texts(parsed(with_object(R"("name": "r", "plugin": "ramdisk")")).problems),
              ElementsAre(HasSubstr("/backstores/ramdisk/r: 'size' is missing")));
  EXPECT_THAT(
      texts(parsed(with_object(R"("name": "r", "plugin": "ramdisk", "size": "1G")")).problems),
      ElementsAre(HasSubstr("'size' is string, not a whole number")));
  EXPECT_THAT(
      texts(parsed(with_object(R"("name": "a/b", "plugin": "ramdisk", "size": 1)")).problems),
      ElementsAre(HasSubstr("has a slash")));
}

TEST(Saveconfig, OtherFabricsAndBadNamesAreReported) {
  const auto saved = parsed(R"({"storage_objects": [], "targets": [
      {"fabric": "iscsi", "wwn": "iqn.2003-01.org.linux-iscsi.host:x", "tpgs": []},
      {"fabric": "srpt", "wwn": "naa.600", "tpgs": []},
      {"fabric": "srpt", "wwn": "ib.01", "tpgs": []},
      {"fabric": "srpt", "wwn": "ib.1", "tpgs": []}, 7]})");
  EXPECT_EQ(saved.configuration.targets.size(), 1u);
  EXPECT_THAT(texts(saved.problems), ElementsAre(HasSubstr("the fabric 'iscsi' is not served"),
                                                 HasSubstr("target naa.600: not of a known form"),
                                                 HasSubstr("two targets of this name"),
                                                 HasSubstr("targets: an entry is not an object")));
}

TEST(Saveconfig, WriteProtectionThatCannotBeReadProtects) {
  const auto saved = parsed(R"({"targets": [{"fabric": "srpt", "wwn": "ib.01", "tpgs": [
      {"node_acls": [{"node_wwn": "ib.02", "mapped_luns": [
        {"index": 0, "tpg_lun": 0, "write_protect": "yes"},
        {"index": 1, "tpg_lun": 0}, {"index": 2}]}]}]}]})");
  const auto& luns = saved.configuration.targets.at(0).tpgs.at(0).acls.at(0).luns;
  ASSERT_EQ(luns.size(), 2u);
  EXPECT_TRUE(luns[0].write_protected);
  EXPECT_FALSE(luns[1].write_protected);
  EXPECT_THAT(texts(saved.problems), ElementsAre(HasSubstr("'write_protect' is string"),
                                                 HasSubstr("'tpg_lun' is missing")));
}

TEST(Saveconfig, ReadsTheSettingsOfTheKernelsTarget) {
  const auto saved = parsed(R"({"fabric_modules": [
      {"name": "srpt", "rdma_cm_port": 5556, "srp_max_req_size": 4148, "srpt_srq_size": 1000}],
      "targets": []})");
  EXPECT_THAT(texts(saved.problems), IsEmpty());
  EXPECT_EQ(saved.configuration.fabric.rdma_cm_port, 5556u);
  EXPECT_EQ(saved.configuration.fabric.srp_max_req_size, 4148u);
  EXPECT_EQ(saved.configuration.fabric.srpt_srq_size, 1000u);
}

TEST(Saveconfig, NamesSettingsThatItCannotTake) {
  const auto saved = parsed(R"({"fabric_modules": [
      {"name": "iscsi"}, {},
      {"name": "srpt", "rdma_cm_port": 65536, "srp_max_req_size": 1, "colour": 2}],
      "targets": []})");
  EXPECT_FALSE(saved.configuration.fabric.rdma_cm_port);
  EXPECT_FALSE(saved.configuration.fabric.srp_max_req_size);
  EXPECT_THAT(texts(saved.problems),
              ElementsAre(HasSubstr("fabric module iscsi: its settings are not served"),
                          HasSubstr("'name' is missing"), HasSubstr("unknown entry 'colour'"),
                          HasSubstr("rdma_cm_port is 65536"), HasSubstr("srp_max_req_size is 1")));
}

TEST(Saveconfig, FilesThatCannotBeReadAreNamed) {
  const auto missing = read_saveconfig("/nonexistent/saveconfig.json");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().text(), HasSubstr("/nonexistent/saveconfig.json: cannot open"));
  const auto directory = read_saveconfig("/");
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().text(), HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace srpd::control
