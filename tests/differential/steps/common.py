"""Objects that several scripts make and remove."""

TPG = "srpt/{gid}/tpgt_1"
INITIATOR = "0x00000000000000000002c90300a0b0c1"

# What each kind of device needs in `control`, and in `udev_path`.
CONTROL = {
    "rd_mcp": ("rd_pages=2048", ""),
    "fileio": ("fd_dev_name={directory}/image,fd_dev_size=8388608", ""),
    "iblock": ("udev_path={block}", ""),
    "pscsi": ("scsi_host_id={scsi},scsi_channel_id=0,scsi_target_id=0,scsi_lun_id=0", "{disk}"),
    "user": ("dev_config=null/x,dev_size=8388608", ""),
}


def make_device(t, path, *, control=None, enable=True):
    plugin = path.split("/")[1].rpartition("_")[0]
    hba = path.rpartition("/")[0]
    text, udev_path = CONTROL[plugin]
    t.mkdir(hba)
    t.mkdir(path)
    t.write(f"{path}/control", control or text)
    if udev_path:
        t.write(f"{path}/udev_path", udev_path)
    if enable:
        t.write(f"{path}/enable", "1")


def remove_device(t, path):
    t.rmdir(path)
    t.rmdir(path.rpartition("/")[0])


def make_tpg(t, tpg=TPG):
    port = tpg.rpartition("/")[0]
    for path in ("srpt", port, tpg):
        t.mkdir(path)


def remove_tpg(t, tpg=TPG):
    t.rmdir(tpg)
    t.rmdir(tpg.rpartition("/")[0])
    t.rmdir("srpt")


def make_lun(t, number, device, tpg=TPG):
    lun = f"{tpg}/lun/lun_{number}"
    t.mkdir(lun)
    t.symlink(f"{lun}/a", device)


def remove_lun(t, number, tpg=TPG):
    lun = f"{tpg}/lun/lun_{number}"
    t.unlink(f"{lun}/a")
    t.rmdir(lun)
