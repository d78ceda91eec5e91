"""A host made of a bare TCP socket: says whatever a test wants, in MPA, DDP, RDMAP and SRP.

Nothing here checks what it sends; that is what it is for.
"""

import socket
import struct
import time

REQUEST_KEY = b"MPA ID Req Frame"
REPLY_KEY = b"MPA ID Rep Frame"
REJECT, CRC, ENHANCED, MARKERS = 0x20, 0x40, 0x10, 0x80

# RDMAP opcodes (RFC 5040 4.3)
WRITE, READ_REQUEST, READ_RESPONSE, SEND, TERMINATE = 0, 1, 2, 3, 7
TAGGED, LAST, DDP_VERSION, RDMAP_VERSION = 0x80, 0x40, 0x01, 0x40

# SRP
CMD, LOGOUT, RSP, LOGIN_REJ, LOGIN_RSP, CRED_REQ = 0x02, 0x80, 0xc1, 0xc2, 0xc0, 0x81
DIRECT, INDIRECT, IMMEDIATE = 1, 2, 3
IMMEDIATE_OFFSET = 68


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc ^ 0xffffffff


def mpa_request(private_data, flags=ENHANCED, revision=2, length=None, ird=16, ord_=0):
    if flags & ENHANCED:
        private_data = struct.pack(">HH", ird, ord_) + private_data
    return REQUEST_KEY + struct.pack(">BBH", flags, revision,
                                     len(private_data) if length is None else length) + private_data


def login_req(iu=8260, formats=6, flags=0x81, opcode=0, offset=IMMEDIATE_OFFSET,
              initiator=bytes(16), target=bytes(16)):
    """SRP_LOGIN_REQ as RDMA/CM private data (56 bytes)."""
    return struct.pack(">8sHBBI16s16sH6x", b"login...", formats, flags, opcode, iu, initiator,
                       target, offset)


def fpdu(ddp, rdmap, rest, crc=False):
    """`rest` follows the two control bytes."""
    out = struct.pack(">HBB", len(rest) + 2, ddp, rdmap) + rest
    out += bytes(-len(out) % 4)
    return out + (struct.pack("<I", crc32c(out)) if crc else bytes(4))


def send_fpdu(payload, msn, opcode=SEND, last=True, queue=0, offset=0, stag=0, crc=False):
    return fpdu(DDP_VERSION | (LAST if last else 0), RDMAP_VERSION | opcode,
                struct.pack(">IIII", stag, queue, msn, offset) + payload, crc)


def tagged_fpdu(opcode, stag, offset, payload, last=True):
    return fpdu(TAGGED | DDP_VERSION | (LAST if last else 0), RDMAP_VERSION | opcode,
                struct.pack(">IQ", stag, offset) + payload)


def read_request_fpdu(stag, offset, size, msn=1):
    return fpdu(LAST | DDP_VERSION, RDMAP_VERSION | READ_REQUEST,
                struct.pack(">IIIIIQIIQ", 0, 1, msn, 0, 7, 0, size, stag, offset))


def direct(length, address=0x1000, key=0x4200):
    return struct.pack(">QII", address, key, length)


def cmd(tag, cdb, descriptors=b"", out=0, in_=0, out_count=0, in_count=0, lun=0, attribute=0,
        additional=0, opcode=CMD):
    """SRP_CMD (r16a 6.8)."""
    return struct.pack(">BBxxxBBBQxxxxHxxxxxxxBxB16s", opcode, 0, out << 4 | in_, out_count,
                       in_count, tag, lun, attribute, additional,
                       cdb.ljust(16, b"\0")) + descriptors


def read10(lba, blocks):
    return struct.pack(">BBIBHB", 0x28, 0, lba, 0, blocks, 0)


def write10(lba, blocks):
    return struct.pack(">BBIBHB", 0x2a, 0, lba, 0, blocks, 0)


class Message:
    """What arrived in one FPDU, Sends put together."""

    def __init__(self, opcode, payload, header):
        self.opcode = opcode
        self.payload = payload
        self.header = header

    @property
    def srp_opcode(self):
        return self.payload[0] if self.opcode == SEND and self.payload else None

    def read_request(self):
        """(sink STag, sink offset, size, source STag, source offset)"""
        return struct.unpack(">IQIIQ", self.header[20:48])

    def response(self):
        """(tag, status, (sense key, ASC, ASCQ) or None)"""
        tag, = struct.unpack(">Q", self.payload[8:16])
        sense = self.payload[36:]
        return tag, self.payload[19], (sense[2] & 15, sense[12], sense[13]) if sense else None


class Closed(Exception):
    """The other end closed the connection (reset or not)."""


class Peer:
    def __init__(self, port, host="127.0.0.1", source=None, receive_buffer=None, timeout=10):
        self.socket = socket.socket()
        self.socket.settimeout(timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name = "%s:%d" % self.socket.getsockname()
        self.crc = False
        self.msn = 0
        self.partial = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def reset(self):
        """RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def raw(self, data):
        self.socket.sendall(data)

    def take(self, size):
        out = b""
        while len(out) < size:
            try:
                piece = self.socket.recv(size - len(out))
            except ConnectionError as error:
                raise Closed from error
            if not piece:
                raise Closed
            out += piece
        return out

    def wait_closed(self, seconds=10):
        """Reads and drops until the end of the stream; how long that took."""
        begin = time.monotonic()
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(1 << 20):
                pass
        except ConnectionError:
            pass
        return time.monotonic() - begin

    def reply(self):
        """(flags, private data behind the read depths) of the MPA Reply."""
        key, flags, _, length = struct.unpack(">16sBBH", self.take(20))
        assert key == REPLY_KEY, key
        private_data = self.take(length)
        self.crc = bool(flags & CRC)
        return flags, private_data[4 if flags & ENHANCED else 0:]

    def log_in(self, mpa_flags=ENHANCED, **fields):
        """Logs in; the credits."""
        self.raw(mpa_request(login_req(**fields), flags=mpa_flags))
        flags, iu = self.reply()
        assert not flags & REJECT and iu[0] == LOGIN_RSP, (flags, iu)
        return struct.unpack(">i", iu[4:8])[0]

    def send(self, iu, **how):
        self.msn += 1
        self.raw(send_fpdu(iu, self.msn, crc=self.crc, **how))

    def next(self, seconds=10):
        """The next message; Closed at the end of the stream."""
        self.socket.settimeout(seconds)
        while True:
            start = self.take(4)
            length, ddp, rdmap = struct.unpack(">HBB", start)
            rest = self.take(length - 2 + -(length + 2) % 4 + 4)
            body = start + rest[:length - 2]
            opcode = rdmap & 15
            head = 16 if ddp & TAGGED else 48 if opcode == READ_REQUEST else 20
            if opcode == SEND:
                self.partial += body[head:]
                if not ddp & LAST:
                    continue
                payload, self.partial = self.partial, b""
            else:
                payload = body[head:]
            return Message(opcode, payload, body[:head])

    def next_of(self, *opcodes, seconds=10):
        """The next message of one of these RDMAP opcodes; others are dropped."""
        while True:
            message = self.next(seconds)
            if message.opcode in opcodes:
                return message

    def command(self, tag, cdb, *arguments, **options):
        """Sends an SRP_CMD; the answer as Message.response()."""
        self.send(cmd(tag, cdb, *arguments, **options))
        while True:
            message = self.next_of(SEND)
            if message.srp_opcode == RSP:
                return message.response()

    def settle(self, lun=0):
        """Takes the unit attention that follows a login."""
        self.command(0xffff, bytes(6), lun=lun)
