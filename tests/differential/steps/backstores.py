"""Devices of each kind: what `control` takes, when `enable` is done, what is shown before and
after. Those that need no hardware first: the numbers that the target gives go on from device to
device."""

from . import common

NEEDS = ()

# Of the statistics: the time, and numbers that go on from whatever was there before.
COUNTED = ("creation_time", "inst", "indx", "dev", "port_auth_indx", "role", "name")

RD_MCP = (
    (), ("rd_pages=0",), ("rd_pages=-1",), ("rd_pages=99999999999",), ("rd_pages=4294967296",),
    ("rd_pages=x",), ("rd_pages=",), ("rd_pages",), ("rd_pages=16",), ("rd_pages= 16",),
    ("rd_pages=16 ",), ("rd_pages=16\n",), ("rd_pages=0x10",), ("rd_pages=020",), ("rd_pages=+16",),
    ("rd_pages=16,rd_nullio=1",), ("rd_pages=16", "rd_nullio=1"), ("rd_pages=16,rd_nullio=0",),
    ("rd_pages=16,rd_nullio=2",), ("rd_pages=16,rd_nullio=x",), ("rd_pages=16,rd_dummy=1",),
    ("rd_pages=16,unknown=1",), ("unknown",), ("rd_pages=16 ,rd_nullio=1",),
    ("rd_pages=16, rd_nullio=1",), (",,rd_pages=16,,",), ("rd_pages=16,rd_pages=32",),
    ("rd_pages=16", "rd_pages=32"), ("RD_PAGES=16",), ("rd_pages=1",),
    ("rd_pages=65536,rd_nullio=1",))
FILEIO = (
    (), ("fd_dev_name=",), ("fd_dev_name={directory}/none/x",),
    ("fd_dev_name={directory}/none/x,fd_dev_size=1048576",),
    ("fd_dev_name={directory}/new,fd_dev_size=1048576",), ("fd_dev_name={directory}/new",),
    ("fd_dev_name={directory},fd_dev_size=1048576",), ("fd_dev_size=1048576",),
    ("fd_dev_name={file}/x,fd_dev_size=1048576",), ("fd_dev_name=/dev/null,fd_dev_size=1048576",),
    ("fd_dev_name={file},fd_dev_size=0",), ("fd_dev_name={file},fd_dev_size=1",),
    ("fd_dev_name={file},fd_dev_size=1048577",), ("fd_dev_name={file},fd_dev_size=-1",),
    ("fd_dev_name={file},fd_dev_size=abc",), ("fd_dev_name={file},fd_dev_size=0x100000",),
    ("fd_dev_name={file},fd_dev_size=18446744073709551616",),
    ("fd_dev_name={file},fd_dev_size=1048576 ",), ("fd_buffered_io=1",), ("fd_buffered_io=2",),
    ("fd_buffered_io=0",), ("fd_buffered_io=x",), ("fd_async_io=0",), ("fd_async_io=1",),
    ("fd_dev_name={file},fd_dev_size=1048576,fd_buffered_io=1",),
    ("fd_dev_name={file},fd_dev_size=1048576,fd_async_io=1",),
    ("fd_dev_name={file}", "fd_dev_size=1048576", "fd_buffered_io=1", "fd_async_io=1"),
    ("fd_dev_name={file},fd_dev_size=1048576\n",), ("fd_dev_name={file}\nfd_dev_size=1048576\n",),
    ("fd_dev_name=/none/" + "x" * 300 + ",fd_dev_size=4096",), ("unknown=1",))
USER = (
    (), ("dev_size=1048576",), ("dev_config=null/x",), ("dev_config=null/x,dev_size=1048576",),
    ("dev_config=null/x", "dev_size=1048576"), ("dev_size=abc",), ("dev_size=-1",),
    ("dev_size=",), ("dev_size=18446744073709551616",), ("dev_config=",),
    ("dev_config=null/" + "x" * 300,), ("unknown=1",))
# Of a device that can be enabled. Not data_pages_per_blk=0, by which the kernel divides.
USER_NUMBERS = (
    "hw_block_size=512", "hw_block_size=0", "hw_block_size=-1", "hw_block_size=x",
    "hw_block_size=4096,hw_max_sectors=256", "hw_max_sectors=0", "hw_max_sectors=65536",
    "nl_reply_supported=1", "nl_reply_supported=-1", "nl_reply_supported=x", "max_data_area_mb=0",
    "max_data_area_mb=16", "max_data_area_mb=-1", "data_pages_per_blk=-1", "data_pages_per_blk=2",
    "data_pages_per_blk=262144", "data_pages_per_blk=262145", "data_pages_per_blk=1000000",
    "max_data_area_mb=1,data_pages_per_blk=257", "data_pages_per_blk=257,max_data_area_mb=1",
    "cmd_ring_size_mb=0", "cmd_ring_size_mb=4", "cmd_ring_size_mb=9", "cmd_ring_size_mb=1000000")
USER += tuple(("dev_config=null/x,dev_size=8388608", text) for text in USER_NUMBERS)
PER_PLUGIN = {"rd_mcp": RD_MCP, "fileio": FILEIO, "user": USER}


def tried(t, plugin, controls):
    device = f"core/{plugin}_9/d"
    t.section(f"control of {plugin}: {' '.join(t.shown(t.fill(text)) for text in controls)}")
    t.mkdir(f"core/{plugin}_9")
    t.mkdir(device)
    for text in controls:
        t.write(f"{device}/control", text)
    t.write(f"{device}/enable", "1\n")
    t.read(f"{device}/info")
    # Once it is enabled.
    for text in controls:
        t.write(f"{device}/control", text)
    t.rmdir(device)
    t.rmdir(f"core/{plugin}_9")


def shown(t, plugin):
    """All there is of one, before and after it is enabled."""
    t.section(f"all of a {plugin} device")
    device = f"core/{plugin}_9/d"
    common.make_device(t, device, enable=False)
    t.dump(device, COUNTED)
    for text in ("0", "", "\n", "2", "x", "-1", " 1", "01"):
        t.write(f"{device}/enable", text)
    t.write(f"{device}/enable", "1x")
    for text in ("1", "0", "1\n"):
        t.write(f"{device}/enable", text)
    t.dump(device, COUNTED)
    t.ls(device)
    common.remove_device(t, device)


def run(t):
    for plugin, all_controls in PER_PLUGIN.items():
        for controls in all_controls:
            tried(t, plugin, controls)
    for plugin in PER_PLUGIN:
        shown(t, plugin)
