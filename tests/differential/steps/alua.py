"""ALUA: groups of target ports and of units, what a LUN shows of them, and maps of referrals."""

from . import common, values

NEEDS = ()

DEVICE = "core/rd_mcp_4/d"
LUN = f"{common.TPG}/lun/lun_0"
# Read as words, so that a sweep cannot put them back.
WORDY = {"alua_access_type": "3", "alua_access_status": "0"}
# A transition takes as long as trans_delay_msecs says: it is put back before the next one.
MAPS = (
    "", "\n", "abc", "1", "1 2", "1 x", "x 1", "64 1\n", "64 1\n0 1023 0:O\n",
    "64 1\n0 1023 0:O 0:A\n", "64 1\n0 1 0:O\n2 3 0:O 1:A\n", "64 1\n0 1023 0:O 1:A\n",
    "64 1\n0 1023 0:X\n", "64 1\n0 1023 0\n", "64 1\n1023 0 0:O\n",
    "64 1\n0 x 0:O\n", "64 1\n0 1023\n", "64 1\n0 1023 65536:O\n", "64 1\n0 1023 9:O\n",
    "64 1\n0 1023 0:O\n1024 2047 0:A\n", "64 1\n0 1023 0:O\n\n1024 2047 0:A",
    "4294967296 1\n0 1 0:O",
    "64 1\n0 1023 0:o\n", "64 1\n0 1023  0:O\n", " 64 1\n0 1023 0:O\n", "64 1 7\n0 1023 0:O\n",
    "0x40 1\n0 0x3ff 0:S\n", "64 1\n0 1023 0:OO\n", "-1 1\n0 1 0:U\n", "0 0\n0 0 0:U\n", "\n")


def port_group(t, group, texts):
    for name in t.attributes_of(group):
        path = f"{group}/{name}"
        if name == "members":
            t.write(path, "1")
            continue
        t.sweep(path, texts)
        if name in WORDY:
            t.write(path, WORDY[name])


def port_groups(t):
    t.section("target port groups of a fresh device")
    common.make_device(t, DEVICE, enable=False)
    groups = f"{DEVICE}/alua"
    t.mkdir(f"{groups}/early")
    t.write(f"{groups}/early/tg_pt_gp_id", "1")
    t.write(f"{groups}/early/alua_access_state", "1")
    t.write(f"{DEVICE}/enable", "1")
    t.write(f"{groups}/early/alua_access_state", "1")
    t.dump(f"{groups}/early")
    t.rmdir(f"{groups}/early")

    t.section("target port groups")
    for name in ("g", "g", "a b", "caf\u00e9", "x" * 255, "x" * 256, "default_tg_pt_gp", "NULL",
                 "1"):
        t.mkdir(f"{groups}/{name}")
    t.ls(groups)
    t.dump(f"{groups}/g")
    for name in ("default_tg_pt_gp", "nothing", "x" * 255, "1", "NULL"):
        t.rmdir(f"{groups}/{name}")
    t.mkdir(f"{groups}/g/x")

    t.section("a target port group without an id")
    port_group(t, f"{groups}/caf\u00e9", values.SOME)
    t.section("a target port group with an id")
    for name, text in (("g", "7"), ("g", "7"), ("g", "8"), ("a b", "7"), ("a b", "0"),
                       ("a b", "65535"), ("default_tg_pt_gp", "5"), ("default_tg_pt_gp", "0")):
        t.write(f"{groups}/{name}/tg_pt_gp_id", text)
    port_group(t, f"{groups}/g", values.ANY)
    t.section("the default target port group")
    port_group(t, f"{groups}/default_tg_pt_gp", values.SOME)


def transitions(t):
    t.section("states and what a group supports")
    group = f"{DEVICE}/alua/a b"
    for text in ("1", "2", "3", "14", "15", "4", "0"):
        t.write(f"{group}/alua_access_state", text)
        t.read(f"{group}/alua_access_status")
    for name, state in (("active_nonoptimized", "1"), ("standby", "2"), ("unavailable", "3"),
                        ("offline", "14"), ("transitioning", "15"), ("lba_dependent", "4")):
        t.write(f"{group}/alua_support_{name}", "0")
        t.write(f"{group}/alua_access_state", state)
        t.write(f"{group}/alua_access_state", "0")
        t.write(f"{group}/alua_support_{name}", "1")
        t.write(f"{group}/alua_access_state", state)
        t.write(f"{group}/alua_access_state", "0")
    for access in ("0", "1", "2", "3"):
        t.write(f"{group}/alua_access_type", access)
        t.write(f"{group}/alua_access_state", "1")
        t.write(f"{group}/alua_access_state", "0")
    t.write(f"{group}/trans_delay_msecs", "10")
    t.write(f"{group}/alua_access_state", "1")
    t.write(f"{group}/alua_access_state", "0")
    t.write(f"{group}/alua_access_status", "0")


def members(t):
    t.section("LUNs in groups")
    common.make_tpg(t)
    t.mkdir(LUN)
    names = ("alua_tg_pt_gp", "alua_tg_pt_offline", "alua_tg_pt_status", "alua_tg_pt_write_md")
    for name in names:
        t.read(f"{LUN}/{name}")
        t.write(f"{LUN}/{name}", "1")
    t.symlink(f"{LUN}/a", DEVICE)
    for name in ("g", "a b", "default_tg_pt_gp", "caf\u00e9", "nothing", "NULL", "g\n", " g ", "",
                 "\n", "x" * 255, "x" * 256, "x" * 257, "g", "g"):
        t.write(f"{LUN}/alua_tg_pt_gp", name)
    for name in ("g", "a b", "default_tg_pt_gp"):
        t.read(f"{DEVICE}/alua/{name}/members")
    t.write(f"{DEVICE}/alua/g/alua_access_state", "1")
    t.read(f"{LUN}/alua_tg_pt_gp")
    for name in names[1:]:
        t.sweep(f"{LUN}/{name}", values.ANY)
        t.write(f"{LUN}/{name}", "0")
    t.write(f"{LUN}/alua_tg_pt_offline", "1")
    t.read(f"{LUN}/alua_tg_pt_gp")
    t.write(f"{LUN}/alua_tg_pt_offline", "0")
    t.read(f"{LUN}/alua_tg_pt_status")
    t.mkdir(f"{common.TPG}/lun/lun_1")
    t.symlink(f"{common.TPG}/lun/lun_1/b", DEVICE)
    t.write(f"{common.TPG}/lun/lun_1/alua_tg_pt_gp", "g")
    t.read(f"{DEVICE}/alua/g/members")
    t.rmdir(f"{DEVICE}/alua/g")
    t.read(f"{LUN}/alua_tg_pt_gp")
    t.read(f"{DEVICE}/alua/default_tg_pt_gp/members")
    t.unlink(f"{common.TPG}/lun/lun_1/b")
    t.rmdir(f"{common.TPG}/lun/lun_1")
    common.remove_lun(t, 0)
    common.remove_tpg(t)


def unit_groups(t):
    t.section("groups of units")
    groups = "core/alua/lu_gps"
    for name in ("u", "u", "a b", "caf\u00e9", "x" * 255, "x" * 256, "default_lu_gp", "late"):
        t.mkdir(f"{groups}/{name}")
    t.ls(groups)
    t.dump(f"{groups}/u")
    t.sweep(f"{groups}/caf\u00e9/lu_gp_id", values.ANY)
    for name, text in (("u", "65534"), ("u", "65534"), ("a b", "65534"), ("a b", "65535"),
                       ("default_lu_gp", "3"), ("default_lu_gp", "0")):
        t.write(f"{groups}/{name}/lu_gp_id", text)
    t.write(f"{groups}/u/members", "x")
    # Not NULL where there is no group: the kernel leaves that by a null pointer.
    for name in ("u", "a b", "late", "nothing", "default_lu_gp", "NULL", "u", "u", " u ", "u\n",
                 "", "\n", "x" * 255, "x" * 256, "x" * 257):
        t.write(f"{DEVICE}/alua_lu_gp", name)
    t.read(f"{groups}/u/members")
    t.read(f"{groups}/default_lu_gp/members")
    t.mkdir(f"{groups}/u/x")
    t.rmdir(f"{groups}/u")
    t.read(f"{DEVICE}/alua_lu_gp")
    for name in ("default_lu_gp", "a b", "caf\u00e9", "x" * 255, "late", "nothing"):
        t.rmdir(f"{groups}/{name}")
    t.mkdir("core/rd_mcp_5")
    t.mkdir("core/rd_mcp_5/fresh")
    t.read("core/rd_mcp_5/fresh/alua_lu_gp")
    t.write("core/rd_mcp_5/fresh/alua_lu_gp", "default_lu_gp")
    common.remove_device(t, "core/rd_mcp_5/fresh")


def maps(t):
    t.section("maps of referrals")
    for text in MAPS:
        t.write(f"{DEVICE}/lba_map", text)
    t.read(f"{DEVICE}/alua/default_tg_pt_gp/alua_support_lba_dependent")


def run(t):
    port_groups(t)
    transitions(t)
    members(t)
    unit_groups(t)
    maps(t)
    for name in ("a b", "caf\u00e9"):
        t.rmdir(f"{DEVICE}/alua/{name}")
    common.remove_device(t, DEVICE)
