"""Persistent reservations of a device: what is restored by res_aptpl_metadata, when it shows, and
when it goes."""

from . import common

NEEDS = ()

DEVICE = "core/rd_mcp_7/d"
METADATA = f"{DEVICE}/pr/res_aptpl_metadata"
ACLS = f"{common.TPG}/acls"
OTHER = "0x00000000000000000002c90300a0b0c2"
TYPES = ("01", "02", "03", "04", "05", "06", "07", "08", "1", "5", "0x5", "00", "09", "0a", "ff",
         "100", "", " 5", "x")

ITEMS = {
    "initiator_fabric": "srpt", "initiator_node": common.INITIATOR, "sa_res_key": "81985529216",
    "res_holder": "0", "res_all_tg_pt": "0", "mapped_lun": "0", "target_fabric": "srpt",
    "target_node": "{gid}", "tpgt": "1", "port_rtpi": "1", "target_lun": "0"}
HOLDER = {"res_holder": "1", "res_type": "05", "res_scope": "00"}
NUMBERS = ("0", "1", "-1", "0x1", "010", "08", "255", "256", "65535", "65536", "4294967295",
           "4294967296", "18446744073709551615", "18446744073709551616", "x", "", " 1", "1 ", "+1")


def text(separator=",", without=(), **items):
    """One registration, as rtslib writes it."""
    return separator.join(f"{name}={value}" for name, value in {**ITEMS, **items}.items()
                          if name not in without)


def shown(t, device=DEVICE):
    t.dump(f"{device}/pr")


def fresh(t, *registrations, enable=True):
    common.make_device(t, DEVICE, enable=enable)
    for registration in registrations:
        t.write(METADATA, registration)


def exported(t, *mapped, initiator=common.INITIATOR):
    """A LUN, and that the initiator sees it as these."""
    common.make_tpg(t)
    common.make_lun(t, 0, DEVICE)
    t.mkdir(f"{ACLS}/{initiator}")
    for number in mapped:
        map_lun(t, number, initiator)


def map_lun(t, number, initiator=common.INITIATOR):
    t.mkdir(f"{ACLS}/{initiator}/lun_{number}")
    t.symlink(f"{ACLS}/{initiator}/lun_{number}/m", f"{common.TPG}/lun/lun_0")


def unmap_lun(t, number, initiator=common.INITIATOR):
    t.unlink(f"{ACLS}/{initiator}/lun_{number}/m")
    t.rmdir(f"{ACLS}/{initiator}/lun_{number}")


def gone(t, *mapped, initiator=common.INITIATOR):
    for number in mapped:
        unmap_lun(t, number, initiator)
    t.rmdir(f"{ACLS}/{initiator}")
    common.remove_lun(t, 0)
    common.remove_tpg(t)
    common.remove_device(t, DEVICE)


def files(t):
    t.section("files of a device")
    fresh(t)
    for name, mode in t.attributes_of(f"{DEVICE}/pr").items():
        t.do(f"mode of {name}", lambda mode=mode: f"{mode:o}")
        if name != "res_aptpl_metadata":
            t.write(f"{DEVICE}/pr/{name}", "1")
    for name in ("made", "res_type"):
        t.mkdir(f"{DEVICE}/pr/{name}")
    t.rmdir(f"{DEVICE}/pr")
    common.remove_device(t, DEVICE)


def registered(t):
    t.section("a registration that is restored")
    fresh(t, text())
    shown(t)
    exported(t)
    shown(t)
    t.write(METADATA, text())
    map_lun(t, 5)
    shown(t)
    map_lun(t, 0)
    shown(t)
    unmap_lun(t, 5)
    shown(t)
    unmap_lun(t, 0)
    shown(t)
    map_lun(t, 0)
    shown(t)
    gone(t, 0)

    t.section("a registration that is restored before the device is enabled")
    fresh(t, text(), enable=False)
    shown(t)
    t.write(f"{DEVICE}/enable", "1")
    shown(t)
    exported(t, 0)
    shown(t)
    gone(t, 0)

    t.section("a registration that is restored twice")
    fresh(t, text(), text(sa_res_key="7"))
    exported(t, 0)
    shown(t)
    gone(t, 0)


def held(t):
    for kind in TYPES:
        t.section(f"a holder of type {t.shown(kind) or chr(39) * 2}")
        fresh(t, text(**{**HOLDER, "res_type": kind}))
        exported(t, 0)
        shown(t)
        gone(t, 0)
    for ports in ("1", "0", "2"):
        t.section(f"a holder by all ports {ports}")
        fresh(t, text(**{**HOLDER, "res_all_tg_pt": ports}))
        exported(t, 0)
        shown(t)
        unmap_lun(t, 0)
        shown(t)
        gone(t)

    t.section("two registrations, of which one holds")
    fresh(t, text(**HOLDER), text(initiator_node=OTHER, sa_res_key="2", mapped_lun="3"))
    exported(t, 0)
    t.mkdir(f"{ACLS}/{OTHER}")
    map_lun(t, 3, OTHER)
    shown(t)
    unmap_lun(t, 0)
    shown(t)
    unmap_lun(t, 3, OTHER)
    t.rmdir(f"{ACLS}/{OTHER}")
    shown(t)
    gone(t)


def of_another(t):
    """Names and numbers that do not fit."""
    for name, value in (("initiator_node", OTHER), ("initiator_node", common.INITIATOR[2:]),
                        ("target_node", "0x1"), ("target_node", "{guid}"), ("tpgt", "2"),
                        ("mapped_lun", "1"), ("target_lun", "1"), ("port_rtpi", "9"),
                        ("initiator_fabric", "iscsi"), ("target_fabric", "iscsi"),
                        ("initiator_sid", "0x1"), ("res_scope", "01")):
        t.section(f"a registration with {name}={t.shown(t.fill(value))}")
        fresh(t, text(**{name: value}))
        exported(t, 0)
        shown(t)
        gone(t, 0)


def words(t):
    t.section("what is a registration")
    fresh(t)
    for name in ITEMS:
        t.write(METADATA, text(without=(name,)))
    t.write(METADATA, text(res_holder="1"))
    t.write(METADATA, text(res_type="05"))
    for separator in (",", "\n", ", ", " ", ";"):
        t.write(METADATA, text(separator))
    t.write(METADATA, text() + "\n")
    t.write(METADATA, text(unknown="1"))
    t.write(METADATA, text(initiator_node=""))
    t.write(METADATA, text(target_node=""))
    t.write(METADATA, text(initiator_node="x" * 300))
    common.remove_device(t, DEVICE)
    for name in ("sa_res_key", "res_holder", "res_all_tg_pt", "mapped_lun", "tpgt", "port_rtpi",
                 "target_lun"):
        t.section(f"numbers for {name}")
        fresh(t)
        t.sweep(METADATA, [text(**{name: number}) for number in NUMBERS])
        common.remove_device(t, DEVICE)


def without_reservations(t):
    t.section("emulate_pr=0")
    fresh(t, text(**HOLDER))
    t.write(f"{DEVICE}/attrib/emulate_pr", "0")
    shown(t)
    t.write(METADATA, text(initiator_node=OTHER))
    t.write(METADATA, "abc")
    exported(t, 0)
    shown(t)
    t.write(METADATA, text())
    t.write(f"{DEVICE}/attrib/emulate_pr", "1")
    shown(t)
    gone(t, 0)

    t.section("pgr_support=0")
    device = "core/user_7/d"
    common.make_device(t, device)
    t.write(f"{device}/attrib/pgr_support", "0")
    shown(t, device)
    t.write(f"{device}/pr/res_aptpl_metadata", "abc")
    t.write(f"{device}/attrib/pgr_support", "1")
    shown(t, device)
    common.remove_device(t, device)


def run(t):
    files(t)
    registered(t)
    held(t)
    of_another(t)
    words(t)
    without_reservations(t)
