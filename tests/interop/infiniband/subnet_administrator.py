#!/usr/bin/env python3
"""A small subnet administrator (SA) for the software InfiniBand ports of this machine.

usage: subnet_administrator.py DEVICE

DEVICE is the one whose port has the LID of the subnet manager. Answers ClassPortInfo, NodeRecord,
PortInfoRecord (also selected by capability mask), PathRecord and InformInfo (InfiniBand
Architecture volume 1, 15.2) from what sysfs says at that moment. When a port's capability mask
changes, for which a real port would send trap 144, that is reported to who subscribed. Logs one
line per question.
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from umad import Agent, Header  # noqa: E402

SUBNET_ADMINISTRATION = 3
GET, SET, REPORT, GET_TABLE, DELETE, RESPONSE = 0x01, 0x02, 0x06, 0x12, 0x15, 0x80
CLASS_PORT_INFO, NOTICE, INFORM_INFO = 0x01, 0x02, 0x03
NODE_RECORD, PORT_INFO_RECORD, PATH_RECORD = 0x11, 0x12, 0x35
OK, UNSUPPORTED, NO_RECORDS, TOO_MANY_RECORDS = 0x0000, 0x000c, 0x0300, 0x0400

# MAD header 24, RMPP header 12, SM key 8, offset of the attribute 2, reserved 2, mask 8; then data.
RMPP_AT, OFFSET_AT, MASK_AT, DATA_AT = 24, 44, 48, 56
SELECTS_BY_CAPABILITY = 0x2000
SYSFS = pathlib.Path("/sys/class/infiniband")
LOCAL_CHANGES = pathlib.Path("/sys/module/rdma_rxe_ib/parameters/local_changes")


class Port:
    """A port of this machine, as it is now."""

    def __init__(self, device):
        port = SYSFS / device / "ports/1"
        self.device = device
        self.lid = int((port / "lid").read_text(), 0)
        self.capability_mask = int((port / "cap_mask").read_text(), 0)
        self.gid = bytes.fromhex((port / "gids/0").read_text().strip().replace(":", ""))
        self.node_guid = bytes.fromhex(
            (SYSFS / device / "node_guid").read_text().strip().replace(":", ""))

    def node_record(self):
        """LID, then NodeInfo and NodeDescription."""
        info = struct.pack(">BBBB8s8s8sHHIB3s", 1, 1, 1, 1, self.node_guid, self.node_guid,
                           self.gid[8:], 1, 0, 0, 1, b"\0\0\0")
        return struct.pack(">HH40s64s4x", self.lid, 0, info, self.device.encode())

    def port_info_record(self):
        """LID and port number, then PortInfo as far as a host looks at it."""
        info = struct.pack(">8s8sHHI", b"", self.gid[:8], self.lid, 1, self.capability_mask)
        # Local port; widths; link speed and active state; the rest of a port that is up.
        info += struct.pack(">4xBBBBBB", 1, 3, 3, 2, 4, 0x52)
        return struct.pack(">HBx60s", self.lid, 1, info)


def scan():
    """The InfiniBand ports by LID."""
    ports = {}
    for device in sorted(SYSFS.iterdir()) if SYSFS.exists() else []:
        try:
            if (device / "ports/1/link_layer").read_text().strip() == "InfiniBand":
                port = Port(device.name)
                ports[port.lid] = port
        except OSError:
            continue  # it has just gone
    return ports


def local_changes():
    """How often the capability mask of a port has changed, by LID."""
    return [int(count) for count in LOCAL_CHANGES.read_text().split(",")]


def path_record(ports, wanted, mask, sender_lid):
    """The one path between two ports, or None. `mask` says which fields of `wanted` count."""
    to_gid, from_gid = wanted[8:24], wanted[24:40]
    to_lid, from_lid = struct.unpack_from(">HH", wanted, 40)
    by_gid = {port.gid: port for port in ports.values()}
    to, sender = None, ports.get(sender_lid)
    if mask & 0x04:
        to = by_gid.get(to_gid)
    elif mask & 0x10:
        to = ports.get(to_lid)
    if mask & 0x08:
        sender = by_gid.get(from_gid)
    elif mask & 0x20:
        sender = ports.get(from_lid)
    if to is None or sender is None:
        return None
    # Reversible and the only one; P_Key ffff; MTU 2048, 10 Gb/s, exactly; a short lifetime.
    return wanted[:8] + to.gid + sender.gid + struct.pack(
        ">HHIBBHHBBBB6x", to.lid, sender.lid, 0, 0, 0x81, 0xffff, 0, 0x84, 0x83, 0x90, 0)


class Administrator:
    def __init__(self, device):
        self.agent = Agent(device, SUBNET_ADMINISTRATION, 2, (GET, SET, GET_TABLE, DELETE),
                           segmented=True)
        self.changes = local_changes()
        self.subscribers = set()  # (LID, queue pair)
        self.reports = 0

    def run(self):
        while True:
            received = self.agent.receive(300)
            if received is None:
                self.report_changes()
                continue
            mad, lid, qpn = received
            if not Header.parse(mad).method & RESPONSE:
                self.answer(mad, lid, qpn)

    def answer(self, mad, lid, qpn):
        header = Header.parse(mad)
        mask, = struct.unpack_from(">Q", mad, MASK_AT)
        status, size, data = self.look_up(header, mad[DATA_AT:], mask, lid, qpn)
        print(f"method {header.method:02x} attribute {header.attribute:04x} from LID {lid}: "
              f"status {status:04x}", flush=True)
        header.status = status
        header.method = (GET if header.method == SET else header.method) | RESPONSE
        table = header.method == GET_TABLE | RESPONSE
        # Version, data, active: the kernel cuts it into segments.
        rmpp = bytes([1, 1, 1]) if table else b""
        out = header.pack() + rmpp.ljust(20, b"\0") + struct.pack(">HHQ", size // 8, 0, mask) + data
        self.agent.send(out, lid, qpn, segmented=table)

    def look_up(self, header, wanted, mask, lid, qpn):
        """(status, size of one record or 0, data)"""
        if header.attribute == CLASS_PORT_INFO:
            return OK, 0, struct.pack(">BBH3xB", 1, 2, SELECTS_BY_CAPABILITY, 18)
        if header.attribute == INFORM_INFO:
            # Byte 23 of InformInfo: subscribe or not.
            (self.subscribers.add if wanted[23] else self.subscribers.discard)((lid, qpn))
            return OK, 0, wanted[:200]
        if header.attribute == PATH_RECORD:
            path = path_record(scan(), wanted, mask, lid)
            return (OK, len(path), path) if path else (NO_RECORDS, 0, b"")
        if header.attribute in (NODE_RECORD, PORT_INFO_RECORD):
            return self.records(header, wanted, mask)
        return UNSUPPORTED, 0, b""

    def records(self, header, wanted, mask):
        found = []
        wanted_lid, = struct.unpack_from(">H", wanted)
        wanted_capabilities, = struct.unpack_from(">I", wanted, 24)
        for port in scan().values():
            if mask & 0x01 and port.lid != wanted_lid:
                continue
            if header.attribute == NODE_RECORD:
                found.append(port.node_record())
                continue
            # Bit 31 of the modifier: these bits must be set; otherwise: exactly these.
            relevant = wanted_capabilities if header.modifier >> 31 else 0xffffffff
            if mask & 0x80 and port.capability_mask & relevant != wanted_capabilities:
                continue
            found.append(port.port_info_record())
        if header.method == GET and len(found) != 1:
            return (TOO_MANY_RECORDS if found else NO_RECORDS), 0, b""
        return OK, len(found[0]) if found else 0, b"".join(found)

    def report_changes(self):
        old, self.changes = self.changes, local_changes()
        for lid, port in scan().items():
            if self.changes[lid] != old[lid]:
                for subscriber in self.subscribers:
                    self.report(port, *subscriber)

    def report(self, port, lid, qpn):
        self.reports += 1
        header = Header(1, SUBNET_ADMINISTRATION, 2, REPORT, 0, 0, self.reports, NOTICE, 0, 0)
        # Generic, informational, from a channel adapter.
        notice = struct.pack(">B3sHHHHHHI", 0x84, b"\0\0\1", 144, port.lid, 0, 0, port.lid, 0,
                             port.capability_mask)
        self.agent.send(header.pack().ljust(DATA_AT, b"\0") + notice, lid, qpn, 200, 3)
        print(f"trap 144 of LID {port.lid} to LID {lid}: capability mask "
              f"{port.capability_mask:08x}", flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    Administrator(sys.argv[1]).run()


if __name__ == "__main__":
    main()
