"""What attributes are as files, and directories as directories."""

import errno
import os

from . import common

NEEDS = ()

DEVICE = "core/rd_mcp_6/d"
FLAG = f"{DEVICE}/attrib/emulate_caw"
TEXT = f"{DEVICE}/alias"


def opened(t, path, flags, work=lambda descriptor: None):
    def run():
        descriptor = os.open(t.at(path), flags)
        try:
            return work(descriptor)
        finally:
            os.close(descriptor)
    return run


def opens(t):
    t.section("opening")
    for path in (FLAG, f"{DEVICE}/control", f"{DEVICE}/info", f"{DEVICE}/attrib", f"{DEVICE}/none"):
        for name in ("O_RDONLY", "O_WRONLY", "O_RDWR"):
            for more in ("", "O_TRUNC", "O_APPEND", "O_CREAT", "O_CREAT|O_EXCL", "O_DIRECT",
                         "O_DIRECTORY", "O_NOFOLLOW"):
                flags = getattr(os, name)
                for each in filter(None, more.split("|")):
                    flags |= getattr(os, each)
                t.do(f"open {path} {name}{'|' if more else ''}{more}", opened(t, path, flags))


def several_writes(t):
    t.section("several writes and reads by one file")

    def seen(descriptor, size=4096):
        return t.shown_value(os.read(descriptor, size))

    def written(descriptor, *texts):
        counts = []
        for text in texts:
            try:
                counts.append(str(os.write(descriptor, text)))
            except OSError as error:
                counts.append(errno.errorcode[error.errno])
        return " ".join(counts)

    t.do("write twice", opened(t, FLAG, os.O_WRONLY, lambda d: written(d, b"0", b"1")))
    t.read(FLAG)
    t.do("write, be refused, write", opened(t, FLAG, os.O_WRONLY,
                                            lambda d: written(d, b"0", b"x", b"1")))
    t.read(FLAG)
    t.do("read twice", opened(t, FLAG, os.O_RDONLY, lambda d: seen(d) + seen(d)))
    t.do("read in pieces", opened(t, FLAG, os.O_RDONLY,
                                  lambda d: seen(d, 1) + seen(d, 1) + seen(d)))
    t.do("read, write, read on", opened(t, FLAG, os.O_RDWR,
                                        lambda d: seen(d) + written(d, b"0") + seen(d)))
    t.do("write, read on", opened(t, FLAG, os.O_RDWR, lambda d: written(d, b"1\n") + seen(d)))

    def read_after_other(descriptor):
        first = t.shown_value(os.pread(descriptor, 99, 0))
        t.store(FLAG, b"0")
        second = t.shown_value(os.pread(descriptor, 99, 0))
        t.store(FLAG, b"1")
        return first + second
    t.do("read, another writes, read again", opened(t, FLAG, os.O_RDONLY, read_after_other))
    for offset in (1, 4095, 4096, 1 << 40):
        t.do(f"write at {offset}", opened(t, FLAG, os.O_WRONLY,
                                          lambda d, at=offset: str(os.pwrite(d, b"0", at))))
        t.read(FLAG)
        t.write(FLAG, "1")
        t.do(f"read at {offset}", opened(t, FLAG, os.O_RDONLY,
                                         lambda d, at=offset: t.shown_value(os.pread(d, 9, at))))
    t.do("append", opened(t, FLAG, os.O_WRONLY | os.O_APPEND, lambda d: written(d, b"0")))
    t.read(FLAG)
    t.do("write from two buffers", opened(t, TEXT, os.O_WRONLY,
                                          lambda d: str(os.writev(d, [b"ab", b"cd"]))))
    t.read(TEXT)
    t.do("write nothing", opened(t, TEXT, os.O_WRONLY, lambda d: written(d, b"")))
    t.read(TEXT)
    for size in (510, 511, 512, 4095, 4096, 4097, 8191, 10000, 200000):
        t.write(TEXT, "y" * size)


def as_files(t):
    t.section("attributes as files")
    path = t.at(FLAG)
    other = t.at(f"{DEVICE}/new")
    t.do("truncate to 0", lambda: os.truncate(path, 0))
    t.do("truncate to 9", lambda: os.truncate(path, 9))
    t.do("size", lambda: str(os.stat(path).st_size))
    t.do("blocks", lambda: str(os.stat(path).st_nlink))
    t.do("utime", lambda: os.utime(path, (1, 1)))
    t.do("chmod 600", lambda: os.chmod(path, 0o600))
    t.do("mode", lambda: f"{os.stat(path).st_mode:o}")
    t.do("chmod 644", lambda: os.chmod(path, 0o644))
    t.do("chown", lambda: os.chown(path, 1, 1))
    t.do("owner", lambda: f"{os.stat(path).st_uid}:{os.stat(path).st_gid}")
    t.do("chown back", lambda: os.chown(path, 0, 0))
    t.do("unlink", lambda: os.unlink(path))
    t.do("rename", lambda: os.rename(path, other))
    t.do("link", lambda: os.link(path, other))
    t.do("symlink", lambda: os.symlink(path, other))
    t.do("mknod", lambda: os.mknod(other, 0o100644))
    t.do("mkfifo", lambda: os.mkfifo(other))
    t.do("getxattr", lambda: str(os.getxattr(path, "user.x")))
    t.do("setxattr", lambda: os.setxattr(path, "user.x", b"1"))
    t.do("listxattr", lambda: str(os.listxattr(path)))
    t.do("fsync", opened(t, FLAG, os.O_WRONLY, os.fsync))
    t.do("rmdir of an attribute", lambda: os.rmdir(path))
    t.do("mkdir of an attribute", lambda: os.mkdir(path))


def as_directories(t):
    t.section("directories as directories")
    path, part = t.at(DEVICE), t.at(f"{DEVICE}/attrib")
    t.do("mode", lambda: f"{os.stat(path).st_mode:o} {os.stat(path).st_size}")
    t.do("links of a device", lambda: str(os.stat(path).st_nlink))
    t.do("links of a part", lambda: str(os.stat(part).st_nlink))
    t.do("links of the HBA", lambda: str(os.stat(os.path.dirname(path)).st_nlink))
    t.do("chmod 700", lambda: os.chmod(path, 0o700))
    t.do("mode", lambda: f"{os.stat(path).st_mode:o}")
    t.do("chmod 755", lambda: os.chmod(path, 0o755))
    t.do("rename", lambda: os.rename(path, path + b"2"))
    t.do("unlink", lambda: os.unlink(path))
    t.do("fsync", opened(t, DEVICE, os.O_RDONLY | os.O_DIRECTORY, os.fsync))


def gone(t):
    """Files of a directory that has been removed."""
    t.section("what has gone")
    descriptor = os.open(t.at(FLAG), os.O_RDWR)
    directory = os.open(t.at(f"{DEVICE}/attrib"), os.O_RDONLY | os.O_DIRECTORY)
    common.remove_device(t, DEVICE)
    t.do("read", lambda: t.shown_value(os.pread(descriptor, 9, 0)))
    t.do("write", lambda: str(os.write(descriptor, b"1")))
    t.do("list", lambda: str(len(os.listdir(directory))))
    os.close(descriptor)
    os.close(directory)


def root_attributes(t):
    t.section("dbroot")
    path = "dbroot"
    for text in ("{directory}", "{directory}\n", "{file}", "/none", "relative", "/",
                 "/" + "x" * 300, "/etc/target", ""):
        t.write(path, text)


def run(t):
    common.make_device(t, DEVICE)
    opens(t)
    several_writes(t)
    as_files(t)
    as_directories(t)
    gone(t)
    root_attributes(t)
