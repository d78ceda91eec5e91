#!/usr/bin/env python3
"""A configuration of everything that targetcli can make, and whether two saved files say the same.

configuration.py commands NAME=VALUE...: prints the commands that make it, one a line. `directory`
is for files and `port` the 32 hex digits of a port; `block`, `read_only` and `disk` are two block
devices and a SCSI disk, `user` a handler, each left out where it is not named.

configuration.py equal FILE FILE: exit status 0, or 1 and what differs."""

import json
import sys

INITIATORS = ("ib.00000000000000000002c90300a1b2c3", "ib.00000000000000000002c90300a1b2c4")


def backstores(places):
    """Commands and the path of what each makes."""
    directory = places["directory"]
    yield "/backstores/ramdisk create name=rd0 size=16M", "ramdisk/rd0"
    yield "/backstores/ramdisk create name=rd1 size=1M nullio=true", "ramdisk/rd1"
    yield f"/backstores/fileio create name=f0 file_or_dev={directory}/f0 size=10M", "fileio/f0"
    yield (f"/backstores/fileio create name=f1 file_or_dev={directory}/f1 size=1M "
           "write_back=false"), "fileio/f1"
    if "block" in places:
        yield f"/backstores/block create name=b0 dev={places['block']}", "block/b0"
    if "read_only" in places:
        yield (f"/backstores/block create name=b1 dev={places['read_only']} readonly=true",
               "block/b1")
    if "disk" in places:
        yield f"/backstores/pscsi create name=p0 dev={places['disk']}", "pscsi/p0"
    if "user" in places:
        yield (f"/backstores/user:{places['user']} create name=u0 size=1M cfgstring=nothing",
               f"user:{places['user']}/u0")


def commands(places):
    made = list(backstores(places))
    port = f"/srpt/ib.{places['port']}"
    group = "/backstores/ramdisk/rd0/alua"
    lines = [command for command, _ in made]
    lines += [
        "/backstores/ramdisk/rd0 set attribute emulate_tas=0",
        "/backstores/ramdisk/rd0 set attribute block_size=4096",
        "/backstores/fileio/f1 set attribute emulate_tpu=1 max_unmap_lba_count=1024",
        f"{group} create gp1 1", f"{group} create gp2 2",
        f"{group}/gp1 set alua preferred=1 nonop_delay_msecs=50 alua_access_state=1",
        f"{group}/gp2 set alua alua_access_type=1 alua_support_offline=0 trans_delay_msecs=10",
        "/backstores/fileio/f0/alua create gp1 16",
        f"/srpt create ib.{places['port']}",
        f"{port} set attribute srp_max_rsp_size=512 srp_sq_size=2048",
    ]
    lines += [f"{port}/luns create /backstores/{path}" for _, path in made]
    lines += [f"{port}/luns/lun0 set alua alua_tg_pt_gp_name=gp1",
              f"{port}/luns/lun2 set alua alua_tg_pt_gp_name=gp1",
              f"{port}/acls create {INITIATORS[0]}",
              f"{port}/acls create {INITIATORS[1]} add_mapped_luns=false",
              f"{port}/acls/{INITIATORS[1]} create 5 1 1",
              f"{port}/acls/{INITIATORS[1]} create 255 0"]
    return lines


def in_any_order(value):
    """Lists follow the order of directories, which each restore reverses."""
    if isinstance(value, dict):
        return {key: in_any_order(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted((in_any_order(each) for each in value), key=name_of)
    return value


def name_of(value):
    """By what tells list members apart, so that what differs is found in its place."""
    if not isinstance(value, dict):
        return json.dumps(value)
    keys = ("plugin", "name", "index", "node_wwn", "tag", "wwn")
    return json.dumps([str(value.get(key)).rjust(8) for key in keys])


def differences(first, second, path=""):
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted({*first, *second}):
            if key not in first or key not in second:
                yield f"{path}/{key}: only in the {'first' if key in first else 'second'}"
            else:
                yield from differences(first[key], second[key], f"{path}/{key}")
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for index, (one, other) in enumerate(zip(first, second)):
            yield from differences(one, other, f"{path}/{index}")
    elif first != second:
        yield f"{path}: {json.dumps(first)} and {json.dumps(second)}"


def main():
    what, *words = sys.argv[1:]
    if what == "commands":
        print("\n".join(commands(dict(word.split("=", 1) for word in words))))
        return 0
    files = []
    for word in words:
        with open(word, encoding="utf-8") as file:
            files.append(in_any_order(json.load(file)))
    found = list(differences(*files))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
