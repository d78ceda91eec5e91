"""iblock and pscsi: what they say of the block and SCSI devices of the machine."""

from . import attributes, backstores, common

NEEDS = ("block", "scsi")

IBLOCK = (
    (), ("udev_path=",), ("udev_path=/none",), ("udev_path={file}",), ("udev_path={directory}",),
    ("udev_path=/dev/null",), ("udev_path={block}",), ("udev_path={block}\n",),
    ("udev_path={block} ",), ("udev_path= {block}",), ("udev_path={block},readonly=1",),
    ("udev_path={block}", "readonly=1"), ("udev_path={block}", "readonly=0"),
    ("udev_path={block}", "readonly=abc"), ("udev_path={block}", "readonly=7"),
    ("udev_path={block}", "readonly=-1"), ("udev_path={block}", "force=1"),
    ("udev_path={block}", "unknown"), ("udev_path={loop}",), ("udev_path={read_only}",),
    ("udev_path={read_only}", "readonly=1"), ("udev_path=" + "x" * 600,))
PSCSI = (
    (), ("scsi_host_id={scsi}",), ("scsi_channel_id=0,scsi_target_id=0,scsi_lun_id=0",),
    ("scsi_host_id=99,scsi_channel_id=0,scsi_target_id=0,scsi_lun_id=0",),
    ("scsi_host_id={scsi},scsi_channel_id=0,scsi_target_id=0,scsi_lun_id=77",),
    ("scsi_host_id={scsi},scsi_channel_id=0,scsi_target_id=9,scsi_lun_id=0",),
    ("scsi_host_id=x,scsi_channel_id=y",), ("scsi_host_id=-1",), ("scsi_lun_id=4294967296",),
    ("scsi_host_id={scsi},scsi_channel_id=0,scsi_target_id=0,scsi_lun_id=0",))


def iblock_is_alone(t):
    t.section("iblock holds its device")
    common.make_device(t, "core/iblock_8/first")
    common.make_device(t, "core/iblock_9/second")
    t.read("core/iblock_9/second/enable")
    common.remove_device(t, "core/iblock_8/first")
    t.write("core/iblock_9/second/enable", "1")
    common.remove_device(t, "core/iblock_9/second")


def file_on_block_device(t):
    t.section("fileio on a block device")
    common.make_device(t, "core/fileio_9/b", control="fd_dev_name={block}")
    t.read("core/fileio_9/b/info")
    t.dump("core/fileio_9/b/attrib")
    common.remove_device(t, "core/fileio_9/b")


def pscsi_paths(t):
    t.section("pscsi with and without a path")
    for path in ("", "/none", "{file}", "{disk}"):
        device = "core/pscsi_9/p"
        t.mkdir("core/pscsi_9")
        t.mkdir(device)
        t.write(f"{device}/control", common.CONTROL["pscsi"][0])
        if path:
            t.write(f"{device}/udev_path", path)
        t.write(f"{device}/enable", "1")
        t.read(f"{device}/info")
        common.remove_device(t, device)


def run(t):
    for plugin, all_controls in (("iblock", IBLOCK), ("pscsi", PSCSI)):
        for controls in all_controls:
            backstores.tried(t, plugin, controls)
        backstores.shown(t, plugin)
        attributes.swept(t, plugin)
    iblock_is_alone(t)
    file_on_block_device(t)
    pscsi_paths(t)
