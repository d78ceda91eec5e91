"""Management datagrams from Python: an agent at an InfiniBand port, through libibumad."""

import ctypes
import dataclasses
import os
import struct

MAD_SIZE = 256
QP1_KEY = 0x80010000
HEADER = struct.Struct(">BBBBHHQHHI")


@dataclasses.dataclass
class Header:
    """The first 24 bytes of every MAD."""
    base_version: int
    management_class: int
    class_version: int
    method: int
    status: int
    class_specific: int
    transaction: int
    attribute: int
    reserved: int
    modifier: int

    @classmethod
    def parse(cls, mad):
        return cls(*HEADER.unpack_from(mad))

    def pack(self):
        return HEADER.pack(*dataclasses.astuple(self))


class Address(ctypes.BigEndianStructure):
    """The start of ib_mad_addr: where a MAD comes from or goes to."""
    _fields_ = [("qpn", ctypes.c_uint32), ("qkey", ctypes.c_uint32), ("lid", ctypes.c_uint16),
                ("sl", ctypes.c_uint8), ("path_bits", ctypes.c_uint8)]


def library():
    umad = ctypes.CDLL("libibumad.so.3", use_errno=True)
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    umad.umad_get_mad.restype = pointer
    umad.umad_get_mad_addr.restype = ctypes.POINTER(Address)
    for function, arguments in (
            (umad.umad_get_mad, [pointer]), (umad.umad_get_mad_addr, [pointer]),
            (umad.umad_status, [pointer]),
            (umad.umad_set_addr, [pointer, integer, integer, integer, ctypes.c_uint]),
            (umad.umad_send, [integer, integer, pointer, integer, integer, integer]),
            (umad.umad_recv, [integer, pointer, ctypes.POINTER(integer), integer])):
        function.argtypes = arguments
    umad.umad_init()
    return umad


class Agent:
    """Of one class at one port. `methods` are what it answers; without any it only asks."""

    def __init__(self, device, management_class, version, methods=(), segmented=False):
        self.umad = library()
        self.port = self.umad.umad_open_port(device.encode() if device else None, 0)
        if self.port < 0:
            raise OSError(f"no port of {device or 'any device'} can be opened")
        mask = (ctypes.c_long * 2)()
        for method in methods:
            mask[method // 64] |= 1 << method % 64
        self.agent = self.umad.umad_register(self.port, management_class, version,
                                             1 if segmented else 0, mask if methods else None)
        if self.agent < 0:
            raise OSError(ctypes.get_errno(), "the class cannot be registered: "
                          + os.strerror(ctypes.get_errno()))
        self.buffer = self.new_buffer(MAD_SIZE)

    def new_buffer(self, size):
        """Room for an address and a MAD."""
        return ctypes.create_string_buffer(self.umad.umad_size() + size)

    def send(self, mad, lid, qpn, timeout_ms=0, retries=0, segmented=False):
        """True when the kernel has taken it. A segmented one may be of any length."""
        size = len(mad) if segmented else MAD_SIZE
        out = self.new_buffer(size)
        ctypes.memmove(self.umad.umad_get_mad(out), mad.ljust(size, b"\0"), size)
        self.umad.umad_set_addr(out, lid, qpn, 0, QP1_KEY)
        sent = self.umad.umad_send(self.port, self.agent, out, size, timeout_ms, retries)
        return sent >= 0

    def receive(self, timeout_ms):
        """(MAD, LID of its sender, its queue pair), or None when none came or none was answered."""
        length = ctypes.c_int(MAD_SIZE)
        if self.umad.umad_recv(self.port, self.buffer, ctypes.byref(length), timeout_ms) < 0:
            return None
        if self.umad.umad_status(self.buffer):
            return None
        sender = self.umad.umad_get_mad_addr(self.buffer).contents
        mad = ctypes.string_at(self.umad.umad_get_mad(self.buffer), MAD_SIZE)
        return mad, sender.lid, sender.qpn
