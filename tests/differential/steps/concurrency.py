"""Several scripts at once, each with what is its own. On srpd also all with the same, where none
may see a state that there never is; the kernel was seen to stand still then."""

import errno
import multiprocessing
import os

NEEDS = ()

SCRIPTS = 4
ROUNDS = 40
EXPECTED = {
    "mkdir": {0, errno.EEXIST, errno.ENOENT, errno.EBUSY},
    "rmdir": {0, errno.ENOENT, errno.ENOTEMPTY, errno.EBUSY, errno.EPERM},
    "write": {0, errno.EEXIST, errno.ENOENT, errno.EINVAL},
    "symlink": {0, errno.EEXIST, errno.ENOENT, errno.ENODEV},
    "unlink": {0, errno.ENOENT},
}


def answered(work, *arguments):
    try:
        work(*arguments)
    except OSError as error:
        return error.errno
    return 0


def write(path, text):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)


def one_round(hba, device, lun):
    yield "mkdir", answered(os.mkdir, hba)
    yield "mkdir", answered(os.mkdir, device)
    yield "write", answered(write, device + b"/control", b"rd_pages=1")
    yield "write", answered(write, device + b"/enable", b"1")
    yield "mkdir", answered(os.mkdir, lun)
    yield "symlink", answered(os.symlink, device, lun + b"/a")
    yield "write", answered(write, device + b"/alias", b"x")
    yield "unlink", answered(os.unlink, lun + b"/a")
    yield "rmdir", answered(os.rmdir, lun)
    yield "rmdir", answered(os.rmdir, device)
    yield "rmdir", answered(os.rmdir, hba)


def script(arguments):
    """All answers of one script, as names of errnos by operation."""
    hba, device, lun = arguments
    seen = set()
    for _ in range(ROUNDS):
        seen.update(one_round(hba, device, lun))
    return seen


def together(places):
    with multiprocessing.get_context("fork").Pool(SCRIPTS) as pool:
        answers = set().union(*pool.map(script, places, chunksize=1))
    return answers


def contend(t, places):
    """Whatever the scripts leave is removed: none ends what another has begun."""
    odd = sorted(f"{operation}:{errno.errorcode.get(code, code)}"
                 for operation, code in together([places] * SCRIPTS)
                 if code not in EXPECTED[operation])
    if odd:
        raise AssertionError(f"scripts with the same objects were answered {' '.join(odd)}")
    hba, device, lun = places
    answered(os.unlink, lun + b"/a")
    for path in (lun, device, hba):
        answered(os.rmdir, path)


def run(t):
    t.section("several scripts")
    lun = "srpt/{gid}/tpgt_1/lun/lun_%d"
    for path in ("srpt", "srpt/{gid}", "srpt/{gid}/tpgt_1"):
        t.mkdir(path)

    def places(each):
        hba = t.at(f"core/rd_mcp_{each}")
        return hba, hba + b"/d", t.at(lun % each)

    own = together([places(each) for each in range(1, SCRIPTS + 1)])
    t.line("each with its own", " ".join(sorted(f"{operation}:{errno.errorcode.get(code, 'OK')}"
                                                 for operation, code in own)))
    if "contention" in dict(t.places):
        contend(t, places(9))
    t.ls("core")
    t.ls("srpt/{gid}/tpgt_1/lun")
    for path in ("srpt/{gid}/tpgt_1", "srpt/{gid}", "srpt"):
        t.rmdir(path)
