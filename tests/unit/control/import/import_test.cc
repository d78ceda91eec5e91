// Configurations of other targets: what comes of realistic ones, and that none is too strange.
// Golden files: tests/data/import/NAME.saveconfig and NAME.notes.
#include "control/import/import.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/import/format.h"
#include "control/saveconfig.h"
#include "support/configfs_listing.h"

namespace srpd::control {
namespace {

const std::string data = SRPD_TEST_DATA;

std::string contents(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

ImportSource source_of(const std::string& name) {
  ImportSource source;
  source.name = name;
  source.text = contents(data + "/import/" + name);
  source.include = [](const std::string& pattern) {
    EXPECT_EQ(pattern, "tgt.d/*.conf");
    ImportSource included;
    included.name = "tgt.d/ceph.conf";
    included.text = contents(data + "/import/" + included.name);
    return std::vector{included};
  };
  return source;
}

std::string notes_of(Imported& imported) {
  imported.sort_notes();
  std::string text;
  for (const ImportNote& note : imported.notes()) text += note.text() + "\n";
  return text;
}

struct Golden {
  const char* file;
  const char* format;
};

class GoldenImport : public testing::TestWithParam<Golden> {};

TEST_P(GoldenImport, IsAsBefore) {
  const ImportSource source = source_of(GetParam().file);
  const ImportFormat* const format = recognize_import_format(source);
  ASSERT_NE(format, nullptr);
  EXPECT_EQ(format->name, GetParam().format);
  auto imported = format->read(source);
  ASSERT_TRUE(imported) << imported.error().text();
  const std::string golden = data + "/import/" + GetParam().file;
  const std::string notes = notes_of(*imported);
  EXPECT_EQ(imported->text(), contents(golden + ".saveconfig"));
  EXPECT_EQ(notes, contents(golden + ".notes"));
  EXPECT_EQ(notes.find("secret"), std::string::npos) << "passwords are not for eyes";
}

TEST_P(GoldenImport, IsServed) {
  const ImportSource source = source_of(GetParam().file);
  const auto imported = recognize_import_format(source)->read(source);
  const auto saved = parse_saveconfig(imported->text());
  ASSERT_TRUE(saved);
  for (const Error& problem : saved->problems) ADD_FAILURE() << problem.text();
  EXPECT_EQ(saved->configuration.storage_objects.size(), imported->disks().size());
  EXPECT_EQ(saved->configuration.targets.size(), imported->targets().size());
}

// Each line may be the last, each byte the last of its line.
TEST_P(GoldenImport, MayEndAnywhere) {
  ImportSource source = source_of(GetParam().file);
  source.include = nullptr;
  const ImportFormat* const format = recognize_import_format(source);
  const std::string whole = source.text;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    source.text = whole.substr(0, size);
    const auto imported = format->read(source);
    if (!imported) continue;  // JSON is all or nothing
    ASSERT_TRUE(parse_saveconfig(imported->text())) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenImport,
                         testing::Values(Golden{"scst.conf", "scst"}, Golden{"targets.conf", "tgt"},
                                         Golden{"lio_iscsi.json", "lio"}),
                         [](const auto& each) { return std::string(each.param.format); });

// The tree and the file that rtslib saved of it.
TEST(ImportOfTheKernel, IsWhatItsToolsSave) {
  const test::ConfigfsListing tree(contents(data + "/lio/tree_6_1.tsv"));
  ImportSource source;
  source.name = "configfs";
  source.tree = &tree;
  ASSERT_EQ(recognize_import_format(source), find_import_format("lio-tree"));
  auto imported = find_import_format("lio-tree")->read(source);
  ASSERT_TRUE(imported);
  const auto wanted = SavedJson::parse(contents(data + "/saveconfig_lio.json"));
  for (const SavedJson& disk : wanted.at("storage_objects")) {
    const auto found =
        std::find_if(imported->disks().begin(), imported->disks().end(),
                     [&](const SavedJson& other) { return other.at("name") == disk.at("name"); });
    if (disk.at("plugin") == "user") {
      EXPECT_EQ(found, imported->disks().end());
      continue;
    }
    ASSERT_NE(found, imported->disks().end()) << disk.at("name");
    SavedJson without_groups = disk;
    without_groups["alua_tpgs"] = SavedJson::array();
    EXPECT_EQ(*found, without_groups);
  }
  ASSERT_EQ(imported->targets().size(), 1U);
  const auto saved = parse_saveconfig(imported->text());
  ASSERT_TRUE(saved);
  const Tpg& tpg = saved->configuration.targets.at(0).tpgs.at(0);
  EXPECT_TRUE(tpg.enabled);
  ASSERT_EQ(tpg.luns.size(), 2U);
  EXPECT_EQ(tpg.luns[0].storage_object, "/backstores/ramdisk/ram0");
  EXPECT_EQ(tpg.luns[1].storage_object, "/backstores/fileio/file0");
  ASSERT_EQ(tpg.acls.size(), 2U);
  EXPECT_EQ(tpg.acls[0].initiator, "ib.00000000000000000002c90300a0b0c1");
  ASSERT_EQ(tpg.acls[0].luns.size(), 2U);
  EXPECT_FALSE(tpg.acls[0].luns[0].write_protected);
  EXPECT_TRUE(tpg.acls[0].luns[1].write_protected);
  const std::string notes = notes_of(*imported);
  for (const char* const part :
       {"core/rd_mcp_0/ram0/alua/gp1: ALUA groups are not carried over",
        "core/user_7/usr0: a handler of user-space serves it", "the data of a ramdisk stay behind"})
    EXPECT_NE(notes.find(part), std::string::npos) << part << " in\n" << notes;
}

TEST(ImportOfTheKernel, NeedsItsDirectory) {
  const test::ConfigfsListing tree("target/\n other/\n");
  ImportSource source;
  source.name = "/etc";
  source.tree = &tree;
  const auto imported = find_import_format("lio-tree")->read(source);
  ASSERT_FALSE(imported);
  EXPECT_NE(imported.error().text().find("/sys/kernel/config/target"), std::string::npos);
}

class ImportOfFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "srpd-import-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = directory_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

  std::filesystem::path directory_;
};

TEST_F(ImportOfFiles, FollowsIncludesAndMeasuresDisks) {
  const std::string disk = write("disk.img", std::string(4096, 'x'));
  write("conf.d/one.conf", "<target one>\nbacking-store " + disk + "\n</target>\n");
  write("conf.d/two.conf", "include " + (directory_ / "conf.d/two.conf").string() + "\n");
  const auto imported = import_configuration(
      write("targets.conf", "include " + (directory_ / "conf.d/*.conf").string() + "\n"), "");
  ASSERT_TRUE(imported) << imported.error().text();
  ASSERT_EQ(imported->disks().size(), 1U);
  EXPECT_EQ(imported->disks()[0].at("size"), 4096);
  EXPECT_NE(imported->notes().back().text().find("two.conf:1: include "), std::string::npos);
}

TEST_F(ImportOfFiles, ReadsADirectory) {
  write("core/fileio_0/disk/enable", "1\n");
  write("core/fileio_0/disk/udev_path", "/srv/disk.img\n");
  write("core/fileio_0/disk/info", "File: /srv/disk.img  Size: 1048576  Mode: O_DSYNC Async: 0\n");
  write("core/fileio_0/disk/wwn/vpd_unit_serial", "T10 VPD Unit Serial Number: abc\n");
  write("core/fileio_0/disk/attrib/block_size", "512\n");
  const std::string lun = "srpt/0xfe800000000000000000000000000001/tpgt_1/lun/lun_3/link";
  const auto path = directory_ / lun;
  std::filesystem::create_directories(path.parent_path());
  std::filesystem::create_symlink("../../../../../../target/core/fileio_0/disk", path);
  write("srpt/0xfe800000000000000000000000000001/tpgt_1/enable", "0\n");
  const auto imported = import_configuration(directory_.string(), "");
  ASSERT_TRUE(imported) << imported.error().text();
  const auto saved = parse_saveconfig(imported->text());
  ASSERT_EQ(saved->configuration.storage_objects.size(), 1U);
  const StorageObject& disk = saved->configuration.storage_objects[0];
  EXPECT_EQ(disk.store.size, 1048576U);
  EXPECT_EQ(disk.unit_serial, "abc");
  const Tpg& tpg = saved->configuration.targets.at(0).tpgs.at(0);
  EXPECT_FALSE(tpg.enabled);
  EXPECT_EQ(tpg.luns.at(0).number, 3U);
  EXPECT_EQ(tpg.luns.at(0).storage_object, disk.path());
}

TEST_F(ImportOfFiles, SaysWhatIsWrong) {
  const auto error_of = [](const std::string& path, const char* format) {
    const auto imported = import_configuration(path, format);
    return imported ? "nothing" : imported.error().text();
  };
  EXPECT_NE(error_of("/nonexistent", "").find("cannot open"), std::string::npos);
  const std::string letter = write("letter", "Dear Sir,\n");
  EXPECT_NE(error_of(letter, "").find("--format: lio-tree, lio, scst, tgt"), std::string::npos);
  EXPECT_NE(error_of(letter, "word").find("no such format"), std::string::npos);
  EXPECT_NE(error_of(letter, "lio").find("line 1"), std::string::npos);
  EXPECT_NE(error_of(letter, "lio-tree").find("no directory"), std::string::npos);
}

// The blocks of SCST.

std::string notes_of_scst(const std::string& text) {
  ImportSource source;
  source.name = "f";
  source.text = text;
  auto imported = find_import_format("scst")->read(source);
  return notes_of(*imported);
}

TEST(ImportOfScst, NamesTheLineOfAMistake) {
  EXPECT_NE(notes_of_scst("HANDLER vdisk_fileio {\n}\n}\n").find("f:3: '}' without a '{'"),
            std::string::npos);
  EXPECT_NE(notes_of_scst("{\n").find("f:1: '{' without a keyword"), std::string::npos);
  EXPECT_NE(notes_of_scst("A {\nB {\n}\n").find("f:1: its '}' is missing"), std::string::npos);
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "A {\n";
  EXPECT_NE(notes_of_scst(deep).find("f:9: blocks are nested too deeply"), std::string::npos);
}

// A group's LUN has the number that the host knows; at the port it takes what is free.
TEST(ImportOfScst, KeepsTheNumbersThatHostsKnow) {
  std::string text = "HANDLER vdisk_nullio {\n";
  for (const char* const name : {"a", "b", "c"})
    text += std::string("DEVICE ") + name + " { size_mb 1\n usn " + name + " }\n";
  text += "}\nTARGET_DRIVER ib_srpt {\nTARGET fe80:0:0:0:0002:c903:000e:8acd {\n}\n";
  text += "TARGET 0x00000000000000000000000000000001 {\nenabled 1\n";
  for (const char* const name : {"a", "b", "c"})
    text += std::string("GROUP ") + name + " {\nLUN 0 " + name + "\nINITIATOR 0x" + name + "\n}\n";
  text += "}\n}\n";
  ImportSource source;
  source.text = text;
  const auto imported = find_import_format("scst")->read(source);
  const auto saved = parse_saveconfig(imported->text());
  ASSERT_EQ(saved->configuration.targets.size(), 1U);
  const Tpg& tpg = saved->configuration.targets[0].tpgs[0];
  ASSERT_EQ(tpg.luns.size(), 3U);
  ASSERT_EQ(tpg.acls.size(), 3U);
  for (const Acl& acl : tpg.acls) {
    ASSERT_EQ(acl.luns.size(), 1U);
    EXPECT_EQ(acl.luns[0].number, 0U);
    const std::string name = acl.initiator.substr(acl.initiator.size() - 1);
    EXPECT_EQ(tpg.luns.at(acl.luns[0].port_lun).storage_object, "/backstores/ramdisk/" + name);
  }
}

// A small file is no large one afterwards, and no long time.
TEST(ImportOfScst, IsBounded) {
  std::string text = "HANDLER vdisk_nullio {\nDEVICE a { size_mb 1 }\n}\n";
  text += "TARGET_DRIVER ib_srpt {\nTARGET 0x01 {\nGROUP g {\n";
  for (int i = 0; i < 2000; ++i) text += "LUN " + std::to_string(i) + " a\n";
  for (int i = 0; i < 2000; ++i) text += "INITIATOR 0x" + std::to_string(i) + "\n";
  text += "}\n}\n}\n";
  EXPECT_NE(notes_of_scst(text).find("more than a million mapped LUNs"), std::string::npos);
}

}  // namespace
}  // namespace srpd::control
