#include "support/lio_configured.h"

#include <vector>

namespace srpd::lio::test {
namespace {

struct Made {
  const char* hba;
  const char* name;
  std::vector<const char*> control;
  const char* udev_path;
  const char* serial;
};

const std::vector<Made> devices{
    {"rd_mcp_0", "ram0", {"rd_pages=4096"}, "", "929cc061-e082-4d98-810c-c90b421bd066"},
    {"rd_mcp_1",
     "null0",
     {"rd_pages=1024", "rd_nullio=1"},
     "",
     "0b6c2a59-3b0f-4c3a-9a6e-6a5f0f8f5c11"},
    {"fileio_2",
     "file0",
     {"fd_dev_name=/tmp/file0.img,fd_dev_size=16777216"},
     "/tmp/file0.img",
     "5ed4ba4b-8a40-4ae4-b7ee-8e4bfa0d6a2c"},
    {"fileio_3",
     "file1",
     {"fd_dev_name=/tmp/file1.img,fd_dev_size=8388608,fd_buffered_io=1,fd_async_io=1"},
     "/tmp/file1.img",
     "7a1de7b5-4c6e-4f1c-8d7e-1f6f4b0c9b22"},
    {"iblock_4",
     "blk0",
     {"udev_path=/dev/ram0", "readonly=0"},
     "/dev/ram0",
     "c1f5f5de-7fc4-4b55-a7a3-8f5d4f3b2e33"},
    {"iblock_5",
     "blk1",
     {"udev_path=/dev/nullb0", "readonly=1"},
     "/dev/nullb0",
     "d2a4c8b7-90ab-4c1d-8e2f-7b6a5c4d3e44"},
    {"pscsi_6",
     "pt0",
     {"scsi_host_id=0,scsi_channel_id=0,scsi_target_id=0,scsi_lun_id=0"},
     "/dev/sda",
     ""},
    {"user_7",
     "usr0",
     {"dev_config=file/tmp/usr0.img", "dev_size=8388608"},
     "",
     "e3b5d9c8-a1bc-4d2e-9f30-8c7b6d5e4f55"},
};

/// Remembers the first failure.
class Steps {
 public:
  explicit Steps(World& world) : world_(world) {}

  void mkdir(const std::string& path) { keep(world_.mkdir(path)); }
  void write(const std::string& path, const std::string& text) { keep(world_.write(path, text)); }
  void link(const std::string& path, const std::string& target) {
    keep(world_.symlink(path, target));
  }
  int result() const { return result_; }

 private:
  void keep(int code) {
    if (result_ == 0) result_ = code;
  }

  World& world_;
  int result_ = 0;
};

void make_device(Steps& steps, const Made& made) {
  const std::string hba = std::string("core/") + made.hba;
  const std::string device = hba + "/" + made.name;
  steps.mkdir(hba);
  steps.mkdir(device);
  for (const char* text : made.control) steps.write(device + "/control", text);
  if (*made.udev_path) steps.write(device + "/udev_path", made.udev_path);
  steps.write(device + "/enable", "1\n");
  if (*made.serial) steps.write(device + "/wwn/vpd_unit_serial", std::string(made.serial) + "\n");
}

void make_groups(Steps& steps) {
  steps.mkdir("core/rd_mcp_0/ram0/alua/gp1");
  steps.write("core/rd_mcp_0/ram0/alua/gp1/tg_pt_gp_id", "16");
  steps.write("core/rd_mcp_0/ram0/alua/gp1/alua_access_state", "1");
  steps.mkdir("core/alua/lu_gps/lg1");
  steps.write("core/alua/lu_gps/lg1/lu_gp_id", "7");
  steps.write("core/rd_mcp_0/ram0/alua_lu_gp", "lg1");
}

void make_acl(Steps& steps, const std::string& tpg, const std::string& initiator) {
  const std::string acl = tpg + "/acls/" + initiator;
  steps.mkdir(acl);
  for (const std::string number : {"0", "1"}) {
    const std::string mapped = acl + "/lun_" + number;
    steps.mkdir(mapped);
    steps.link(mapped + "/m" + number, tpg + "/lun/lun_" + number);
    if (number == "1") steps.write(mapped + "/write_protect", "1");
  }
}

}  // namespace

int make_dumped_configuration(World& world) {
  Steps steps(world);
  for (const Made& made : devices) make_device(steps, made);
  make_groups(steps);
  const std::string tpg = std::string(dumped_port) + "/tpgt_1";
  steps.mkdir("srpt");
  steps.mkdir(dumped_port);
  steps.mkdir(tpg);
  steps.mkdir(tpg + "/lun/lun_0");
  steps.link(tpg + "/lun/lun_0/a0", "core/rd_mcp_0/ram0");
  steps.write(tpg + "/lun/lun_0/alua_tg_pt_gp", "gp1");
  steps.mkdir(tpg + "/lun/lun_1");
  steps.link(tpg + "/lun/lun_1/a1", "core/fileio_2/file0");
  make_acl(steps, tpg, "0x00000000000000000002c90300a0b0c1");
  make_acl(steps, tpg, "0x00000000000000000002c90300a0b0d2");
  steps.write(tpg + "/enable", "1\n");
  return steps.result();
}

}  // namespace srpd::lio::test
