"""Every attribute of a device that can be written: with every value when the device is enabled,
with some when it is fresh and exported."""

from . import common, values

NEEDS = ()

# Right after mkdir the kernel asks a block queue that is not there yet, by a null pointer.
CRASHES = {("fileio", "fresh"), ("iblock", "fresh")}
CRASHING = ("emulate_tpu", "emulate_tpws", "unmap_zeroes_data")
REGISTRATION = "initiator_fabric=srpt,initiator_node=0x1,target_fabric=srpt,target_node=0x2"
METADATA = (
    "abc", "", "\n", "initiator_node=x", "sa_res_key=1", "initiator_node=x,sa_res_key=x",
    REGISTRATION, "res_holder=1,sa_res_key=5,initiator_node=x,target_node=y", "x=" + "y" * 600,
    "port_rtpi=65536", "target_lun=-1", "res_type=zz")


def of_attrib(t, device, plugin, state):
    for name, mode in t.attributes_of(f"{device}/attrib").items():
        path = f"{device}/attrib/{name}"
        if not mode & 0o200:
            t.write(path, "1")
            continue
        if (plugin, state) in CRASHES and name in CRASHING:
            continue
        t.sweep(path, values.ANY if state == "enabled" else values.SOME)


def of_the_rest(t, device):
    for name in ("vpd_unit_serial", "product_id", "revision", "vendor_id"):
        t.sweep(f"{device}/wwn/{name}", values.TEXTS)
    t.sweep(f"{device}/wwn/company_id", values.ANY)
    for name, mode in t.attributes_of(f"{device}/wwn").items():
        if not mode & 0o200:
            t.write(f"{device}/wwn/{name}", "1")
    t.sweep(f"{device}/pr/res_aptpl_metadata", METADATA)
    t.write(f"{device}/pr/res_type", "1")
    t.sweep(f"{device}/alias", values.TEXTS)
    t.sweep(f"{device}/udev_path", values.TEXTS)
    for name, mode in t.attributes_of(f"{device}/action").items():
        t.sweep(f"{device}/action/{name}", values.ANY)
        if mode & 0o400:
            t.write(f"{device}/action/{name}", "0")


def swept(t, plugin):
    device = f"core/{plugin}_3/d"
    text, udev_path = common.CONTROL[plugin]
    t.section(f"attributes of {plugin}, fresh")
    common.make_device(t, device, enable=False)
    of_attrib(t, device, plugin, "fresh")
    of_the_rest(t, device)
    t.rmdir(device)
    t.section(f"attributes of {plugin}, enabled")
    t.mkdir(device)
    t.write(f"{device}/control", text)
    if udev_path:
        t.write(f"{device}/udev_path", udev_path)
    t.write(f"{device}/enable", "1")
    of_attrib(t, device, plugin, "enabled")
    of_the_rest(t, device)
    t.section(f"attributes of {plugin}, exported")
    common.make_tpg(t)
    common.make_lun(t, 0, device)
    of_attrib(t, device, plugin, "exported")
    of_the_rest(t, device)
    t.rmdir(device)
    common.remove_lun(t, 0)
    common.remove_tpg(t)
    common.remove_device(t, device)


def run(t):
    for plugin in ("rd_mcp", "fileio", "user"):
        swept(t, plugin)
