// The file of registrations that survive a loss of power: LIO's words, whole or not at all.
#include "lio/aptpl.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/lio_configured.h"
#include "support/lio_world.h"

namespace srpd::lio::test {
namespace {

namespace fs = std::filesystem;

AptplRegistration registration(const std::string& initiator, bool holder) {
  AptplRegistration made;
  made.initiator_fabric = made.target_fabric = "srpt";
  made.initiator_node = initiator;
  made.key = 2748;
  made.holder = holder;
  if (holder) made.type = 5;
  made.mapped_lun = 3;
  made.target_node = "0x01";
  made.tag = 1;
  made.port_rtpi = 2;
  made.target_lun = 4;
  return made;
}

// As ib_srpt's kernel wrote it.
constexpr std::string_view text =
    "PR_REG_START: 0\ninitiator_fabric=srpt\ninitiator_node=0x12\nsa_res_key=2748\nres_holder=1\n"
    "res_type=05\nres_scope=00\nres_all_tg_pt=0\nmapped_lun=3\ntarget_fabric=srpt\n"
    "target_node=0x01\ntpgt=1\nport_rtpi=2\ntarget_lun=4\nPR_REG_END: 0\n"
    "PR_REG_START: 1\ninitiator_fabric=srpt\ninitiator_node=0x34\nsa_res_key=2748\nres_holder=0\n"
    "res_all_tg_pt=0\nmapped_lun=3\ntarget_fabric=srpt\n"
    "target_node=0x01\ntpgt=1\nport_rtpi=2\ntarget_lun=4\nPR_REG_END: 1\n";

TEST(AptplText, IsTheKernels) {
  EXPECT_EQ(aptpl_text({registration("0x12", true), registration("0x34", false)}), text);
  EXPECT_EQ(aptpl_text({}), "No Registrations or Reservations\n");
}

TEST(AptplText, IsReadBack) {
  const auto found = parse_aptpl(std::string(text) + '\0');
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].initiator_node, "0x12");
  EXPECT_TRUE((*found)[0].holder);
  EXPECT_EQ((*found)[0].type, 5);
  EXPECT_EQ((*found)[1].initiator_node, "0x34");
  EXPECT_FALSE((*found)[1].holder);
  EXPECT_EQ((*found)[1].mapped_lun, 3u);
  EXPECT_EQ((*found)[1].target_lun, 4u);
  EXPECT_EQ(aptpl_text(*found), text);
  ASSERT_TRUE(parse_aptpl(aptpl_text({})).has_value());
  EXPECT_TRUE(parse_aptpl(aptpl_text({}))->empty());
}

// Only between two registrations, or when only the last line end is missing, is a part a whole.
TEST(AptplText, APartIsNotTakenForTheWhole) {
  std::size_t good = 0;
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    const auto found = parse_aptpl(text.substr(0, cut));
    if (!found) continue;
    ++good;
    EXPECT_GE(text.substr(0, cut).rfind("PR_REG_END:") + 14, cut);
  }
  EXPECT_LE(good, 7u);
}

// Linux 6.1: what is no number says nothing, "0x5" and "05" are 5, and 31 bits is what fits.
TEST(AptplItems, AreTakenAsLioTakesThem) {
  const std::string names = "initiator_node=0x12,target_node=0x01,sa_res_key=7,";
  const auto taken = [&](const std::string& items) {
    return parse_registration(names + items, Reading::attribute);
  };
  for (const char* type : {"5", "05", "0x5"}) {
    const auto found = taken(std::string("res_holder=1,res_type=") + type);
    ASSERT_TRUE(found.has_value()) << type;
    EXPECT_EQ(found->type, 5) << type;
  }
  EXPECT_EQ(taken("res_holder=1,res_type=08")->type, 8) << "as the file has it";
  for (const char* passed : {"x", "08", " 1", "1 ", "+1", ""}) {
    const auto found = taken(std::string("res_holder=") + passed + ",mapped_lun=" + passed);
    ASSERT_TRUE(found.has_value()) << passed;
    EXPECT_FALSE(found->holder) << passed;
    EXPECT_EQ(found->mapped_lun, 0u) << passed;
  }
  EXPECT_EQ(taken("tpgt=0x10")->tag, 16);
  EXPECT_EQ(taken("tpgt=4294967295").error().code, ERANGE);
  EXPECT_EQ(taken("mapped_lun=18446744073709551616").error().code, ERANGE);
  EXPECT_EQ(taken("sa_res_key=x").error().code, EINVAL);
  EXPECT_EQ(taken("res_holder=1").error().code, EINVAL);
  EXPECT_FALSE(parse_registration(names + "mapped_lun=x", Reading::file)) << "damage";
}

class AptplFile : public ::testing::Test {
 protected:
  AptplFile() {
    fs::create_directories(root / "pr");
    world.make_ramdisk("rd_mcp_0", "r");
    world.write(device + "/wwn/vpd_unit_serial", "abc");
    EXPECT_EQ(world.write("dbroot", root.string()), 0);
    world.engine.take_calls();
  }
  ~AptplFile() override { fs::remove_all(root); }
  std::string contents() const {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const std::string device = "core/rd_mcp_0/r";
  const fs::path root = fs::temp_directory_path() / ("lio_aptpl_" + std::to_string(getpid()));
  const fs::path file = root / "pr/aptpl_abc";
  World world;
  const DeviceSpec spec = [] {
    DeviceSpec made;
    made.hba = "rd_mcp_0";
    made.name = "r";
    return made;
  }();
};

TEST_F(AptplFile, IsWrittenForTheDeviceThatWasMeant) {
  EXPECT_TRUE(keep_registrations(world.tree, DeviceId{1}, spec, std::string(text)));
  EXPECT_EQ(contents(), text);
  EXPECT_EQ(std::distance(fs::directory_iterator(root / "pr"), fs::directory_iterator()), 1)
      << "no temporary file stays";
  EXPECT_FALSE(keep_registrations(world.tree, DeviceId{99}, spec, "other\n"));
  EXPECT_EQ(contents(), text);
}

TEST_F(AptplFile, CannotBeWrittenWithoutTheDirectory) {
  fs::remove_all(root / "pr");
  EXPECT_FALSE(keep_registrations(world.tree, DeviceId{1}, spec, std::string(text)));
  EXPECT_FALSE(fs::exists(root / "pr")) << "it is the administrator's";
}

TEST_F(AptplFile, IsRestored) {
  restore_registrations(world.tree);
  EXPECT_TRUE(world.engine.take_calls().empty()) << "there is none";
  std::ofstream(file) << text;
  restore_registrations(world.tree);
  EXPECT_EQ(world.engine.take_calls(),
            (std::vector<std::string>{"restore_registration 1 0x12 key=2748 type=5",
                                      "restore_registration 1 0x34 key=2748 type=0"}));
  std::ofstream(file) << text.substr(0, text.size() / 2);
  restore_registrations(world.tree);
  EXPECT_TRUE(world.engine.take_calls().empty()) << "all or nothing";
}

TEST(AptplPath, IsBelowTheDirectory) {
  EXPECT_EQ(aptpl_path("/etc/target", "a-b"), "/etc/target/pr/aptpl_a-b");
  for (const char* serial : {"", "../x", "a/b"}) EXPECT_EQ(aptpl_path("/etc/target", serial), "");
}

}  // namespace
}  // namespace srpd::lio::test
