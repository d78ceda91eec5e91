"""What can be a directory, and which directories can go."""

NEEDS = ()

HBA_NAMES = (
    "foo", "foo_0", "rd_mcp", "rd_mcp_", "rd_mcp_x", "rd_mcp_-1", "rd_mcp_+1", "rd_mcp_00",
    "rd_mcp_0x5", "rd_mcp_0X6", "rd_mcp_08", "rd_mcp_4294967295", "rd_mcp_4294967296",
    "rd_mcp_18446744073709551615", "rd_mcp_18446744073709551616", "rd_dr_0", "rd_mcp_1_2", "_0",
    "iblock", "iblock_0 ", " iblock_0", "iblock_0x", "fileio_1", "pscsi_1", "fileio_1", "FILEIO_2",
    "fileio-3", "rd_mcp_1\n", "rd_mcp_\u00e9", "a b", ".", "..", "rd_mcp_" + "1" * 56,
    "rd_mcp_" + "0" * 56, "rd_mcp_" + "1" * 57, "x" * 255, "x" * 256, "fileio_1/x/y")
DEVICE_NAMES = (
    "a", "a", "a b", " ", "a:b", "a=b", "a,b", ".hidden", "-", "%d%s", "caf\u00e9", "\u65e5\u672c",
    "n\nl", "tab\t", "x" * 63, "x" * 64, "x" * 254, "x" * 255, "x" * 256, "a/b", "hba_info", "0",
    "\xff\x01", "*", "$(x)")


def fabrics(t):
    t.section("fabrics")
    t.ls("")
    for name in ("foo", "core", "a b", "version", "srpt/x", "x" * 255, "x" * 256, "SRPT", "srpt ",
                 "\u00e9"):
        t.mkdir(name)
    t.mkdir("srpt")
    t.mkdir("srpt")
    t.ls("")
    t.ls("srpt")
    t.dump("srpt")
    for path in ("srpt/discovery_auth", "core", "core/alua", "core/alua/lu_gps",
                 "core/alua/lu_gps/default_lu_gp", "version", "srpt/version", "nothing",
                 "nothing/at/all", "version/x"):
        t.rmdir(path)
    for path in ("srpt/discovery_auth/x", "core/alua/x", "core/alua/lu_gps/default_lu_gp/x",
                 "version/x", "nothing/x"):
        t.mkdir(path)
    t.rmdir("srpt")
    t.rmdir("srpt")


def hbas(t):
    t.section("HBAs")
    for name in HBA_NAMES:
        t.mkdir(f"core/{name}")
    t.ls("core")
    for name in sorted(set(HBA_NAMES) - {".", ".."}):
        for attribute in ("hba_info", "hba_mode"):
            t.read(f"core/{name}/{attribute}")
    t.sweep("core/fileio_1/hba_mode", ("0", "1", "2", "-1", "x", ""))
    for name in sorted(set(HBA_NAMES) - {".", ".."}):
        t.rmdir(f"core/{name}")
    t.ls("core")


def devices(t):
    t.section("names of devices")
    t.mkdir("core/rd_mcp_1")
    for name in DEVICE_NAMES:
        t.mkdir(f"core/rd_mcp_1/{name}")
    t.ls("core/rd_mcp_1")
    t.rmdir("core/rd_mcp_1")
    for name in DEVICE_NAMES:
        t.rmdir(f"core/rd_mcp_1/{name}")
    t.rmdir("core/rd_mcp_1")
    t.rmdir("core/rd_mcp_1")


def inside_device(t):
    t.section("inside a device")
    device = "core/rd_mcp_1/d"
    t.mkdir("core/rd_mcp_1")
    t.mkdir(device)
    parts = ("action", "alua", "alua/default_tg_pt_gp", "attrib", "pr", "statistics",
             "statistics/scsi_dev", "statistics/scsi_lu", "statistics/scsi_tgt_dev", "wwn")
    for part in parts:
        t.ls(f"{device}/{part}")
        t.mkdir(f"{device}/{part}/made")
        t.symlink(f"{device}/{part}/link", "core/rd_mcp_1")
        t.rmdir(f"{device}/{part}")
    t.mkdir(f"{device}/made")
    t.mkdir(f"{device}/enable")
    t.symlink(f"{device}/link", "core/rd_mcp_1")
    t.symlink("core/link", "core/rd_mcp_1")
    t.symlink("link", "core/rd_mcp_1")
    t.unlink(f"{device}/enable")
    t.unlink(device)
    t.unlink("core/nothing")
    t.rmdir("core/rd_mcp_1")
    t.rmdir(f"{device}/alua/made")
    t.rmdir(device)
    t.rmdir("core/rd_mcp_1")


def run(t):
    fabrics(t)
    hbas(t)
    devices(t)
    inside_device(t)
