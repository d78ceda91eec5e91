"""The SRP fabric: ports, tpgs, LUNs, initiators and what they see, made and removed in the right
order and in wrong ones."""

from . import common, values
from .backstores import COUNTED

NEEDS = ()

TPG = common.TPG
PORT = "srpt/{gid}"
RAM, FILE = "core/rd_mcp_0/ram", "core/fileio_1/file"

PORT_NAMES = (
    "foo", "{gid}", "{gid}", "{guid}", "{guid}x", "x{guid}", "0x", "0x12", "{gid}0", "{gid} ",
    "ib.x", "::1", "10.0.0.1", "a b", "\u00e9", "x" * 255, "x" * 256)
TPG_NAMES = ("tpgt_1", "tpgt_1", "tpgt_2", "tpgt_x", "foo", "a b", "caf\u00e9", "1", "x" * 255,
             "x" * 256, "param", "fabric_statistics")
LUN_NAMES = (
    "lun_0", "lun_0", "lun_1", "lun_255", "lun_256", "lun_16383",
    "lun_-1", "lun_+2", "lun_", "lun_x", "lun_1x", "lun_ 1", "lun_1 ", "lun_3\n", "lun", "foo",
    "LUN_3", "lun_08", "lun_18446744073709551616", "lun_99999999999999999999999", "\u00e9",
    "x" * 255, "x" * 256)
SAME_LUN_NAMES = ("lun_00", "lun_01", "lun_0x1", "lun_+1", "lun_1\n")
# Machines differ in how many CPUs they have.
AFFINITIES = ("0", "-1", "-2", "-3", "0\n", "-0", "+0", "0x0", "00", "65535", "2147483648",
              "4294967295", "18446744073709551616", "-2147483649", "x", "", "\n", " 0", "0 ")
FAR_LUN_NAMES = ("lun_16384", "lun_65535", "lun_65536", "lun_4294967295",
                 "lun_18446744073709551615")
ACL_NAMES = (
    "0x00000000000000000002c90300a0b0c1", "0x00000000000000000002c90300a0b0c1",
    "00000000000000000002c90300a0b0c1", "0X00000000000000000002c90300a0b0c2",
    "0x00000000000000000002C90300A0B0C3", "0x1", "0x12", "12", "", "0",
    "0002:c903:00a0:b0c1", "0002:C903:00A0:B0C2", "10.9.0.1", "10.9.0.256", "10.9.0",
    "::1", "[::1]", "[::1]:5555", "fe80::1",
    "fe80::1%eth0", "fe80:0:0:0:0:0:0:1", "::ffff:10.9.0.1", "foo", "a b", "\u00e9",
    "x" * 64, "x" * 255, "x" * 256, "iqn.2003-01.org:x", "eui.0002c90300a0b0c1", "attrib")


# The kernel takes them for initiators, but no host is ever called so.
NOBODYS_NAMES = (
    "0x", "0x00000000000000000002c90300a0b0c1ff", "0x0000000000000000000002c90300a0b0c1zz",
    "0002:c903:00a0:b0c", "2:c903:a0:b0c1", "10.9.0.1:5555", "1.2.3.4:99999")


def made_alone(t, directory, names):
    """What only one of the targets may take must not stay."""
    for name in names:
        t.mkdir(f"{directory}/{name}")
        t.rmdir(f"{directory}/{name}")


def ports(t):
    t.section("names of ports")
    t.mkdir("srpt")
    for name in PORT_NAMES:
        t.mkdir(f"srpt/{name}")
    t.ls("srpt")
    t.ls(PORT)
    t.dump("srpt/{guid}")
    t.rmdir("srpt")
    for path in (f"{PORT}/param", f"{PORT}/fabric_statistics"):
        t.mkdir(f"{path}/x")
        t.rmdir(path)
    t.sweep(f"{PORT}/param/cmd_completion_affinity", AFFINITIES)
    for name, mode in t.attributes_of(f"{PORT}/param").items():
        if not mode & 0o200:
            t.write(f"{PORT}/param/{name}", "1")
    t.rmdir("srpt/{guid}")
    t.rmdir("srpt/foo")


def tpgs(t):
    t.section("tpgs")
    for name in TPG_NAMES:
        t.mkdir(f"{PORT}/{name}")
    t.ls(PORT)
    t.ls(TPG)
    t.dump(f"{PORT}/tpgt_2")
    for part in ("acls", "attrib", "auth", "lun", "np", "param"):
        t.mkdir(f"{TPG}/{part}/x")
        t.symlink(f"{TPG}/{part}/link", RAM)
        t.rmdir(f"{TPG}/{part}")
    t.mkdir(f"{TPG}/x")
    t.symlink(f"{TPG}/link", RAM)
    for name in t.attributes_of(f"{TPG}/attrib"):
        t.sweep(f"{TPG}/attrib/{name}", values.ANY)
    t.write(f"{TPG}/attrib/srp_sq_size", "128")
    t.read(f"{PORT}/tpgt_2/attrib/srp_sq_size")
    t.write(f"{TPG}/attrib/srp_sq_size", "4096")
    for name in t.attributes_of(TPG):
        t.sweep(f"{TPG}/{name}", values.ANY)
    t.write(f"{TPG}/enable", "1")
    t.write(f"{TPG}/enable", "1")
    for name in sorted(t.attributes_of(TPG)):
        t.write(f"{TPG}/{name}", "9")
    t.write(f"{TPG}/enable", "0")
    t.write(f"{TPG}/enable", "0")
    t.rmdir(PORT)
    for name in TPG_NAMES[2:]:
        t.rmdir(f"{PORT}/{name}")
    t.ls(PORT)


def luns(t):
    t.section("names of LUNs")
    for name in LUN_NAMES:
        t.mkdir(f"{TPG}/lun/{name}")
    t.ls(f"{TPG}/lun")
    made_alone(t, f"{TPG}/lun", SAME_LUN_NAMES + FAR_LUN_NAMES)
    for name in LUN_NAMES:
        t.rmdir(f"{TPG}/lun/{name}")
    t.ls(f"{TPG}/lun")

    t.section("a LUN without a link")
    lun = f"{TPG}/lun/lun_0"
    t.mkdir(lun)
    t.dump(lun, COUNTED)
    t.mkdir(f"{lun}/x")
    t.mkdir(f"{lun}/statistics/x")
    t.rmdir(f"{lun}/statistics")
    t.section("links in a LUN")
    t.mkdir("core/rd_mcp_2")
    t.mkdir("core/rd_mcp_2/fresh")
    for name, target in (("a", "core/rd_mcp_0"), ("a", "core"), ("a", TPG), ("a", "core/none/none"),
                         ("a", f"{RAM}/attrib"), ("a", "core/rd_mcp_2/fresh"), ("a", f"{RAM}/info"),
                         ("a", "/tmp"), ("a", "/none"), ("a", "{file}"), ("x" * 256, RAM),
                         ("statistics", RAM), ("alua_tg_pt_gp", RAM), ("a b\u00e9", RAM),
                         ("a", RAM),
                         ("a", FILE)):
        t.symlink(f"{lun}/{name}", target)
    t.readlink(f"{lun}/a b\u00e9")
    t.ls(lun)
    t.dump(lun, COUNTED)
    t.rmdir(lun)
    t.rmdir(RAM)
    t.rmdir("core/rd_mcp_0")
    t.rmdir(TPG)
    t.mkdir(f"{TPG}/lun/lun_1")
    t.symlink(f"{TPG}/lun/lun_1/same", RAM)
    t.read(f"{RAM}/info")
    t.unlink(f"{lun}/a b\u00e9")
    t.read(f"{RAM}/info")
    t.unlink(f"{TPG}/lun/lun_1/same")
    t.unlink(f"{TPG}/lun/lun_1/same")
    t.read(f"{RAM}/info")
    t.rmdir(f"{TPG}/lun/lun_1")
    t.rmdir(lun)
    common.remove_device(t, "core/rd_mcp_2/fresh")


def initiators(t):
    t.section("names of initiators")
    acls = f"{TPG}/acls"
    for name in ACL_NAMES:
        t.mkdir(f"{acls}/{name}")
    made_alone(t, acls, NOBODYS_NAMES)
    t.ls(acls)
    t.rmdir(TPG)
    for name in sorted(set(ACL_NAMES)):
        if name:
            t.rmdir(f"{acls}/{name}")
    t.ls(acls)


def mapped_luns(t):
    t.section("mapped LUNs")
    acl = f"{TPG}/acls/{common.INITIATOR}"
    t.mkdir(acl)
    t.ls(acl)
    t.dump(acl)
    for part in ("attrib", "auth", "param", "fabric_statistics"):
        t.mkdir(f"{acl}/{part}/x")
        t.rmdir(f"{acl}/{part}")
    for name in LUN_NAMES:
        t.mkdir(f"{acl}/{name}")
    t.ls(acl)
    made_alone(t, acl, SAME_LUN_NAMES + FAR_LUN_NAMES)
    for name in LUN_NAMES:
        t.rmdir(f"{acl}/{name}")

    t.section("links in a mapped LUN")
    mapped = f"{acl}/lun_5"
    t.mkdir(mapped)
    t.dump(mapped, COUNTED)
    t.sweep(f"{mapped}/write_protect", values.ANY)
    common.make_lun(t, 0, RAM)
    common.make_lun(t, 1, FILE)
    t.mkdir(f"{TPG}/lun/lun_2")
    other = f"{PORT}/tpgt_2"
    t.mkdir(other)
    common.make_lun(t, 0, RAM, other)
    for name, target in (("m", RAM), ("m", f"{TPG}/lun"), ("m", acl), ("m", f"{TPG}/lun/lun_2"),
                         ("m", f"{other}/lun/lun_0"), ("m", "/tmp"), ("m", f"{TPG}/lun/lun_9"),
                         ("statistics", f"{TPG}/lun/lun_0"), ("write_protect", f"{TPG}/lun/lun_0"),
                         ("a b", f"{TPG}/lun/lun_0"), ("n", f"{TPG}/lun/lun_1")):
        t.symlink(f"{mapped}/{name}", target)
    t.readlink(f"{mapped}/a b")
    t.ls(mapped)
    t.dump(mapped, COUNTED)
    t.sweep(f"{mapped}/write_protect", values.ANY)
    for name in sorted(t.attributes_of(f"{mapped}/statistics/scsi_auth_intr")):
        if name in COUNTED:
            continue
        t.write(f"{mapped}/statistics/scsi_auth_intr/{name}", "1")
    t.mkdir(f"{acl}/lun_6")
    t.symlink(f"{acl}/lun_6/m", f"{TPG}/lun/lun_0")
    t.mkdir(f"{acl}/lun_7")
    t.symlink(f"{acl}/lun_7/m", f"{TPG}/lun/lun_1")
    t.write(f"{acl}/lun_7/write_protect", "1")
    t.dump(TPG, COUNTED)


def wrong_order(t):
    t.section("removed in the wrong order")
    acl, other = f"{TPG}/acls/{common.INITIATOR}", f"{PORT}/tpgt_2"
    lun = f"{TPG}/lun/lun_0"
    for path in (PORT, TPG, acl, f"{acl}/lun_5", f"{acl}/lun_5/statistics", lun, "srpt", RAM,
                 "core/rd_mcp_0", f"{TPG}/lun", f"{TPG}/acls"):
        t.rmdir(path)
    t.unlink(f"{lun}/a")
    t.ls(lun)
    t.ls(f"{acl}/lun_5")
    t.readlink(f"{acl}/lun_5/a b")
    t.read(f"{acl}/lun_5/write_protect")
    t.write(f"{acl}/lun_5/write_protect", "1")
    t.dump(f"{acl}/lun_5", COUNTED)
    t.dump(lun, COUNTED)
    t.rmdir(lun)
    t.symlink(f"{lun}/again", RAM)
    t.read(f"{acl}/lun_5/write_protect")
    t.symlink(f"{acl}/lun_5/n", lun)
    t.unlink(f"{acl}/lun_5/a b")
    t.symlink(f"{acl}/lun_5/n", lun)
    t.read(f"{acl}/lun_5/write_protect")
    t.rmdir(acl)
    for number, name in (("5", "n"), ("6", "m"), ("7", "m")):
        t.rmdir(f"{acl}/lun_{number}")
        t.unlink(f"{acl}/lun_{number}/{name}")
        t.rmdir(f"{acl}/lun_{number}")
    t.write(f"{TPG}/enable", "1")
    t.rmdir(acl)
    t.unlink(f"{lun}/again")
    t.rmdir(lun)
    common.remove_lun(t, 1)
    t.rmdir(TPG)
    t.rmdir(f"{TPG}/lun/lun_2")
    common.remove_lun(t, 0, other)
    t.rmdir(TPG)
    t.ls(PORT)
    t.read(f"{other}/enable")
    t.rmdir(other)


def whole(t):
    """Everything at once, as the administrator leaves it."""
    t.section("a whole configuration")
    common.make_device(t, "core/user_2/user")
    t.mkdir(f"{RAM}/alua/g")
    t.write(f"{RAM}/alua/g/tg_pt_gp_id", "1")
    common.make_tpg(t)
    for number, device in enumerate((RAM, FILE, "core/user_2/user")):
        common.make_lun(t, number, device)
    t.write(f"{TPG}/lun/lun_0/alua_tg_pt_gp", "g")
    for initiator in (common.INITIATOR, "10.9.0.7", "0002:c903:00a0:b0c1"):
        acl = f"{TPG}/acls/{initiator}"
        t.mkdir(acl)
        for number in range(3):
            t.mkdir(f"{acl}/lun_{number}")
            t.symlink(f"{acl}/lun_{number}/m", f"{TPG}/lun/lun_{number}")
    t.write(f"{TPG}/enable", "1")
    t.dump("", (*COUNTED, "version", "dbroot"))
    for initiator in ("10.9.0.7", common.INITIATOR, "0002:c903:00a0:b0c1"):
        acl = f"{TPG}/acls/{initiator}"
        for number in range(3):
            t.unlink(f"{acl}/lun_{number}/m")
            t.rmdir(f"{acl}/lun_{number}")
        t.rmdir(acl)
    for number in range(3):
        common.remove_lun(t, number)
    common.remove_tpg(t)
    t.rmdir(f"{RAM}/alua/g")
    common.remove_device(t, "core/user_2/user")


def run(t):
    common.make_device(t, RAM)
    common.make_device(t, FILE)
    ports(t)
    tpgs(t)
    luns(t)
    initiators(t)
    mapped_luns(t)
    wrong_order(t)
    t.rmdir(PORT)
    t.rmdir("srpt")
    whole(t)
    common.remove_device(t, RAM)
    common.remove_device(t, FILE)
