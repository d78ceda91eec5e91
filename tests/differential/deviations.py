"""Where srpd answers otherwise than the kernel on purpose, and why. An entry that no longer differs
fails the test."""

import dataclasses

BOTH = ("6.1", "6.12")


@dataclasses.dataclass(frozen=True)
class Deviation:
    """Regular expressions of what was done, and of the kernel's and srpd's answers; (missing) where
    one has no such step."""
    reason: str
    step: str
    kernel: str
    ours: str
    section: str = ".*"
    script: str = ""  # where it is met; empty: anywhere
    kernels: tuple = BOTH


NO_BYTES = "a write of no bytes does not reach a file system in user space"
COUNT = "of a text that a NUL ends the kernel says how much it took; srpd takes all of it"
TRUNCATED = "the kernel takes the lower 32 bits of a number that does not fit"
NO_DISK = "what is enabled can be served: not without bytes, blocks, a handler, or a file"
MEMBERS = "the kernel lists a NUL behind each member"
SESSIONS = "targetcli shows sessions and tags where a fabric has these; ib_srpt has not"
SAME_LUN = "two directories would stand for the same LUN"
FAR_LUN = "SRP's flat LUNs end at 16383"
NOBODY = "no host is ever called so"
DANGLING = ("beside a link that leads nowhere the kernel takes another one, and removes what that "
            "maps when the first one goes")
OTHER_LUN = "a registration stays when its initiator loses another LUN of the same disk"
TWICE = "an initiator has one registration at a port: the one that was restored last"
NO_TYPE = "no reservation has such a type"
OCTAL = "the kernel takes the 08 that it writes itself for an octal number, and so for none"
DBROOT = "srpd's own files are in its state folder, where /etc/target leads; see docs/lio-tools.md"

LUN_OR_MAPPED = r"srpt/\{gid\}/tpgt_1/(lun|acls/\S+)"
FAR = r"lun_(16384|65535|65536|4294967295|18446744073709551615)"
SAME = r"lun_(00|01|0x1|\+1|1\\n)"
NAMES = r"srpt/\{gid\}/tpgt_1/acls/"
ODD = r"(0x|0x\{0\*\d+\}2c90300a0b0c1(ff|zz)|0002:c903:00a0:b0c|2:c903:a0:b0c1|[\d.]+:\d+)"
NO_SERVICE = r"control of (fileio: \S*(=/dev/null|fd_dev_size=1|=1048577)\b.*|user: .*)"

DEVIATIONS = (
    Deviation(NO_BYTES, "(write|sweep) .* ''", "EFAULT.*", "OK.*"),
    Deviation(NO_BYTES, "write nothing", "OK\tEFAULT", "OK\t0", script="files"),
    Deviation(COUNT, r"sweep \S+/(alias|udev_path) a\\x00b", r"OK\(1\)=>'a\\n'", r"OK=>'a\\n'"),
    Deviation(TRUNCATED, r"sweep \S+/alua_access_(state|status) (4294967296|9223372036854775808)",
              "OK.*", "EINVAL", script="alua"),
    Deviation("the kernel's time in milliseconds runs over",
              r"sweep \S+/qfull_time_out (16777216|16777217|2147483647)", "OK.*", "EINVAL",
              script="attributes"),
    Deviation("rtslib writes what it has read, and is not to fail",
              r"sweep \S+/emulate_write_cache 0(\\n)?", "ESRCH", "OK", section=".* user, .*",
              script="attributes"),
    Deviation("srpd's handlers resize their disks; the kernel asks a daemon that is not there",
              r"sweep \S+/attrib/dev_size .*", "ESRCH", "(OK|EINVAL).*",
              section=".* user, (enabled|exported)", script="attributes"),
    Deviation(MEMBERS, r"(read|file) \S+/members", r".*\\n\\x00'", r".*\\n'"),
    Deviation("srpd takes memory when it is written to", "(write|read) .*/(enable|info).*",
              "(ENOMEM|'Status).*", "(OK|'Status).*", section="control of rd_mcp: rd_pages=-1",
              script="backstores"),
    Deviation(NO_DISK, r"write \S+/enable 1\\n", "OK.*", "(EINVAL|ENODEV).*", section=NO_SERVICE,
              script="backstores"),
    Deviation(NO_DISK, r"read \S+/info", r".*SectorSize:\\s\d+.*", r".*SectorSize:\\s0.*",
              section=NO_SERVICE, script="backstores"),
    Deviation(SESSIONS, r"file \S+/(info|tag|auth/authenticate_target)", r"\(missing\)", ".*",
              script="fabric"),
    Deviation(SESSIONS, r"ls \S+/acls/0x\S+", "OK\t.* attrib", "OK\t.* attrib info tag",
              script="fabric"),
    Deviation(SAME_LUN, f"mkdir {LUN_OR_MAPPED}/{SAME}", "OK", "EEXIST", script="fabric"),
    Deviation(SAME_LUN, f"rmdir {LUN_OR_MAPPED}/{SAME}", "OK", "ENOENT", script="fabric"),
    Deviation(FAR_LUN, f"mkdir {LUN_OR_MAPPED}/{FAR}", "OK", "EINVAL", script="fabric"),
    Deviation(FAR_LUN, f"rmdir {LUN_OR_MAPPED}/{FAR}", "OK", "ENOENT", script="fabric"),
    Deviation(NOBODY, f"mkdir {NAMES}{ODD}", "OK", "EINVAL", script="fabric"),
    Deviation(NOBODY, f"rmdir {NAMES}{ODD}", "OK", "ENOENT", script="fabric"),
    Deviation(DANGLING, r"(symlink|read) \S+/lun_5/(n|write_protect).*", "(OK|EEXIST|'')",
              r"(EINVAL|OK|'0\\n')", section="removed in the wrong order", script="fabric"),
    Deviation("srpd's pass-through has limits of its own",
              r"(file|write) \S+/attrib/hw_(max_sectors|queue_depth).*", ".*", ".*",
              section=".*pscsi.*", script="hardware"),
    Deviation("srpd's pass-through has limits of its own", r"read \S+/info|file \S+/info",
              r".*HwMaxSectors:\\s4294967288.*", r".*HwMaxSectors:\\s\d+.*",
              section=".*pscsi.*", script="hardware"),
    Deviation("to srpd a block device that is opened as a file is one",
              r"file \S+/attrib/(is_nonrot|max_(unmap|write)_\w+|unmap_\w+)", ".*", ".*",
              section="fileio on a block device", script="hardware"),
    Deviation(OTHER_LUN, r"file \S+/res_pr_registered_i_pts", r".*None.*", r".*srpt.*",
              section="a registration that is restored", script="pr"),
    Deviation(TWICE, r"file \S+/res_pr_(generation|registered_i_pts)", ".*", ".*",
              section="a registration that is restored twice", script="pr"),
    Deviation(NO_TYPE, r"write \S+/res_aptpl_metadata .*", "OK.*", "EINVAL.*",
              section="a holder of type (02|04|100)", script="pr"),
    Deviation(NO_TYPE, r"file \S+/res_.*", ".*", ".*",
              section="a holder of type (02|04|100)", script="pr"),
    Deviation(OCTAL, r"write \S+/res_aptpl_metadata .*", "EINVAL.*", "OK.*",
              section="a holder of type 08", script="pr"),
    Deviation(OCTAL, r"file \S+/res_.*", ".*", ".*", section="a holder of type 08", script="pr"),
    Deviation("SRP has no session identifiers", r"file \S+/res_pr_registered_i_pts",
              r".*,i,0x0x1.*", r".*", section="a registration with initiator_sid=0x1",
              script="pr"),
    Deviation(DBROOT, "write dbroot .*", ".*", ".*", script="files"),
)
