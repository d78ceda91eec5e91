"""Hosts that lie, break the protocol, or die at the worst moment: each is told and logged why it
was refused or disconnected, and nobody else notices."""

import json
import os
import socket
import struct
import time

import support
from hostile_support import FILE, MEMORY, HostileTest
from iwarp_peer import (CRC, DIRECT, ENHANCED, IMMEDIATE, INDIRECT, LOGIN_REJ, LOGOUT, MARKERS,
                        READ_REQUEST, READ_RESPONSE, REJECT, REQUEST_KEY, SEND, WRITE, Closed, cmd,
                        direct, fpdu, login_req, mpa_request, read10, read_request_fpdu, send_fpdu,
                        tagged_fpdu, write10)

TEST_UNIT_READY = bytes(6)
CHECK_CONDITION = 2


class NotMpa(HostileTest):
    def test_other_protocols(self):
        tls_hello = bytes.fromhex("16030100c8010000c40303") + os.urandom(197)
        strangers = {"HTTP": b"GET / HTTP/1.1\r\nHost: disk\r\n\r\n", "TLS": tls_hello,
                     "SSH": b"SSH-2.0-OpenSSH_9.2\r\n", "a reply": b"MPA ID Rep Frame" + bytes(4),
                     "noise": b"\xff" + os.urandom(65536)}
        for name, words in strangers.items():
            with self.subTest(name), self.peer() as peer:
                try:
                    peer.raw(words)
                except ConnectionError:
                    pass
                self.assertLess(peer.wait_closed(), 2)
                self.assert_said(peer, "closed", "not an MPA frame",
                                 "check what connects to this port")

    def test_truncated_then_silent(self):
        request = mpa_request(login_req())
        peers = []
        for length in [0, 1, 16, 19, 20, 40, len(request) - 1]:
            peer = self.peer()
            peer.raw(request[:length])
            peers.append(peer)
        begin = time.monotonic()
        for peer in peers:
            peer.wait_closed(20)
        took = time.monotonic() - begin
        self.assertGreater(took, 4)
        self.assertLess(took, 8)
        self.assert_said(peers[0], "no complete MPA Request", "check the host")

    def test_lying_length(self):
        login = login_req()
        cases = {
            "longer than 512 bytes": mpa_request(login, length=513),
            "longer than 512": mpa_request(login, length=65535),
            "data behind the MPA Request": mpa_request(login, length=40),
            "without read depths": REQUEST_KEY + struct.pack(">BBH", ENHANCED, 2, 2) + b"ab",
            "unknown MPA revision": mpa_request(login, revision=3),
        }
        for cause, request in cases.items():
            with self.subTest(cause), self.peer() as peer:
                peer.raw(request)
                self.assertLess(peer.wait_closed(), 2)
                self.assert_said(peer, "closed", cause)

    def test_markers(self):
        peer = self.peer()
        peer.raw(mpa_request(login_req(), flags=ENHANCED | MARKERS))
        flags, _ = peer.reply()
        self.assertTrue(flags & REJECT)
        peer.wait_closed()
        self.assert_said(peer, "markers", "turn MPA markers off")


class Logins(HostileTest):
    def assert_refused(self, reason, *parts, private_data=None, **fields):
        peer = self.peer()
        peer.raw(mpa_request(login_req(**fields) if private_data is None else private_data))
        flags, iu = peer.reply()
        self.assertTrue(flags & REJECT)
        self.assertEqual((iu[0], struct.unpack(">I", iu[4:8])[0]), (LOGIN_REJ, reason))
        self.assertLess(peer.wait_closed(), 2)
        self.assert_said(peer, f"{reason:#010x}", *parts)

    def test_fields(self):
        self.assert_refused(0x10002, "IU length is larger", "max_it_iu_size", iu=65537)
        self.assert_refused(0x10002, "IU length is larger", "lower", iu=0xffffffff)
        self.assert_refused(0x10000, "holds no SRP_CMD", "raise max_it_iu_size", iu=0)
        self.assert_refused(0x10000, "holds no SRP_CMD", "raise max_it_iu_size", iu=47)
        self.assert_refused(0x10004, "data buffer formats", "direct and indirect", formats=0xffff)
        self.assert_refused(0x10005, "multi-channel action", "single or multi", flags=0x83)
        self.assert_refused(0x10000, "immediate data offset", "use_imm_data=0", offset=0)
        self.assert_refused(0x10000, "immediate data offset", "use_imm_data=0", offset=9000)

    def test_not_a_login(self):
        self.assert_refused(0x10000, "not an SRP_LOGIN_REQ", "SRP initiator", opcode=2)
        self.assert_refused(0x10000, "not an SRP_LOGIN_REQ", private_data=login_req()[:55])
        self.assert_refused(0x10000, "not an SRP_LOGIN_REQ", private_data=b"")

    def test_flood_of_refusals_does_not_fill_the_log(self):
        for _ in range(300):
            with self.peer() as peer:
                peer.raw(mpa_request(login_req(iu=0)))
                peer.wait_closed()
        self.assertLess(self.srpd.output.count("refused:"), 100)


class ClosedPort(Logins):
    access = ("--allow", "192.0.2.7")

    test_fields = test_not_a_login = test_flood_of_refusals_does_not_fill_the_log = None

    def test_no_acl(self):
        self.assert_refused(0x10003, "no ACL names this initiator",
                            "start srpd with --allow 127.0.0.1", initiator=bytes.fromhex("ab" * 16))


class ConfiguredTargets(Logins):
    test_fields = test_not_a_login = test_flood_of_refusals_does_not_fill_the_log = None

    def setUp(self):
        support.ProgramTest.setUp(self)
        saved = json.loads((support.DATA / "saveconfig_lio.json").read_text())
        saved["storage_objects"] = [o for o in saved["storage_objects"] if o["plugin"] == "ramdisk"]
        first = next(t for t in saved["targets"] if t["fabric"] == "srpt")
        for tpg in first["tpgs"]:
            tpg["luns"] = [lun for lun in tpg["luns"] if "ramdisk" in lun["storage_object"]]
        second = json.loads(json.dumps(first))
        second["wwn"] = "ib.fe800000000000000000000000abcdef"
        saved["targets"] = [first, second]
        path = self.directory / "two_targets.json"
        path.write_text(json.dumps(saved))
        self.srpd = self.start("--config", str(path))

    def test_wrong_target(self):
        self.assert_refused(0x10003, "no target port has this identifier", "id_ext and ioc_guid",
                            target=bytes.fromhex("fe80000000000000" "0000000000000bad"))


class Stream(HostileTest):
    """What breaks MPA, DDP or RDMAP ends the connection with a Terminate that says why."""

    def assert_breaks(self, control, cause, *fpdus, mpa_flags=ENHANCED):
        peer = self.session(mpa_flags=mpa_flags)
        for data in fpdus:
            peer.raw(data(peer) if callable(data) else data)
        self.assert_terminated(peer, control)
        self.assert_said(peer, cause, "check the host's RDMA driver")

    def test_stags(self):
        self.assert_breaks("1100", "invalid STag", tagged_fpdu(WRITE, 0x1234, 0, b"data"))
        self.assert_breaks("1202", "more Read Requests", read_request_fpdu(0x1234, 0, 4096))
        self.assert_breaks("0206", "nobody asked for", tagged_fpdu(READ_RESPONSE, 1, 0, b"data"))
        self.assert_breaks("0109", "invalidates an invalid STag",
                           lambda p: send_fpdu(b"x" * 48, p.msn + 1, opcode=4, stag=0x99))

    def test_headers(self):
        self.assert_breaks("0206", "unexpected RDMAP opcode", lambda p: send_fpdu(b"", 2, opcode=9))
        self.assert_breaks("0205", "RDMAP version", fpdu(0x41, 0x83, bytes(16)))
        self.assert_breaks("1206", "DDP version", fpdu(0x42, 0x43, bytes(16)))
        self.assert_breaks("2003", "shorter than its header", b"\x00\x02\x41\x43" + bytes(16))
        self.assert_breaks("0206", "unexpected RDMAP opcode", fpdu(0xc1, 0x43, bytes(16)))

    def test_sends(self):
        self.assert_breaks("1203", "sequence number", lambda p: send_fpdu(b"x" * 48, p.msn + 2))
        self.assert_breaks("1203", "sequence number", lambda p: send_fpdu(b"x" * 48, p.msn))
        self.assert_breaks("1204", "message offset",
                           lambda p: send_fpdu(b"x" * 48, p.msn + 1, offset=48))
        self.assert_breaks("1201", "wrong queue",
                           lambda p: send_fpdu(b"x" * 48, p.msn + 1, queue=1))
        self.assert_breaks("1205", "longer than the receive buffer",
                           lambda p: send_fpdu(bytes(8264), p.msn + 1))

    def test_endless_send(self):
        """No last FPDU ever comes."""
        peer = self.session()
        for offset in range(0, 8260, 1000):
            peer.raw(send_fpdu(bytes(1000), peer.msn + 1, last=False, offset=offset))
        self.assert_terminated(peer, "1205")

    def test_wrong_crc(self):
        good = send_fpdu(cmd(1, TEST_UNIT_READY), 2, crc=True)
        self.assert_breaks("2002", "wrong CRC", good[:-4] + bytes(4), mpa_flags=ENHANCED | CRC)

    def test_wrong_read_responses(self):
        for change, control in [((1, 0, 0), "1100"), ((0, 1, 0), "1101"), ((0, 0, 512), "1101")]:
            with self.subTest(change):
                peer = self.session()
                peer.send(cmd(1, write10(0, 8), direct(4096), out=DIRECT))
                stag, offset, size, _, _ = peer.next_of(READ_REQUEST).read_request()
                peer.raw(tagged_fpdu(READ_RESPONSE, stag + change[0], offset + change[1],
                                     bytes(size + change[2])))
                self.assert_terminated(peer, control)
                self.assert_said(peer, "Read Response")

    def test_noise(self):
        """Random bytes where FPDUs are expected."""
        for _ in range(20):
            peer = self.session()
            try:
                peer.raw(os.urandom(100000))
                peer.wait_closed()
            except (ConnectionError, socket.timeout):
                pass  # it may as well look like the beginning of something long
            peer.socket.close()


class Ius(HostileTest):
    def assert_breaks(self, cause, *ius):
        peer = self.session()
        for iu in ius:
            peer.send(iu)
        try:
            while peer.next_of(SEND).srp_opcode != LOGOUT:
                pass
        except Closed:
            self.fail("no SRP_T_LOGOUT")
        self.assertLess(peer.wait_closed(), 5)
        self.assert_said(peer, cause, "check the host's SRP initiator")

    def test_types(self):
        self.assert_breaks("unknown type 0x77", b"\x77" + bytes(47))
        self.assert_breaks("unknown type 0xc1", b"\xc1" + bytes(47))
        self.assert_breaks("without a request", b"\x41" + bytes(15))
        self.assert_breaks("shorter than its fixed part", cmd(1, TEST_UNIT_READY)[:47])
        self.assert_breaks("too short", b"\x01" + bytes(46))

    def test_beyond_the_iu(self):
        """What lies about lengths is answered; the session goes on."""
        peer = self.session()
        table = direct(4096) + struct.pack(">I", 4096)
        cases = [
            cmd(1, read10(0, 8), in_=DIRECT),
            cmd(2, read10(0, 8), direct(4096)[:15], in_=DIRECT),
            cmd(3, read10(0, 8), table, in_=INDIRECT, in_count=255),
            cmd(4, read10(0, 8), direct(15) + struct.pack(">I", 4096), in_=INDIRECT),
            cmd(5, read10(0, 8), direct(16) + struct.pack(">I", 8192) + direct(4096), in_=INDIRECT,
                in_count=1),
            cmd(6, read10(0, 8), direct(0xfffffff0) + struct.pack(">I", 4096), in_=INDIRECT),
            cmd(7, write10(0, 8), struct.pack(">I", 4096) + bytes(16), out=IMMEDIATE),
            cmd(8, write10(0, 8), struct.pack(">I", 0xffffffff) + bytes(4112), out=IMMEDIATE),
            cmd(9, read10(0, 8), direct(4096), in_=DIRECT, additional=0xfc),
            cmd(10, read10(0, 8), direct(4096), in_=9),
            cmd(11, read10(0, 8), direct(4096), in_=IMMEDIATE),
            cmd(12, read10(0, 8), direct(4096), in_=DIRECT, attribute=7),
        ]
        for iu in cases:
            peer.send(iu)
            tag, status, sense = peer.next_of(SEND).response()
            self.assertEqual(tag, struct.unpack(">Q", iu[8:16])[0])
            self.assertEqual((status, sense[:2]), (CHECK_CONDITION, (5, 0x0e)), (tag, sense))
        self.assertEqual(peer.command(99, TEST_UNIT_READY)[1], 0)
        self.assert_said(peer, "bad SRP_CMD", "reach past its end")

    def test_cdbs(self):
        peer = self.session()
        invalid_opcode, invalid_field, range_, no_lun = (0x20, 0), (0x24, 0), (0x21, 0), (0x25, 0)
        for opcode in [0x02, 0x3f, 0x7f, 0xc0, 0xff]:
            _, status, sense = peer.command(1, bytes([opcode]))
            self.assertEqual(status, CHECK_CONDITION)
            self.assertIn(sense[1:], (invalid_opcode, invalid_field))
        for tag, cdb in [(2, read10(0xffffffff, 1)), (3, read10(32767, 2))]:
            self.assertEqual(peer.command(tag, cdb, direct(1024), in_=DIRECT)[2][1:], range_)
        self.assertEqual(peer.command(4, TEST_UNIT_READY, lun=77)[2][1:], no_lun)
        self.assertEqual(peer.command(5, bytes([0x00, 0xff]))[2][1:], invalid_field)

    def test_more_commands_than_credits(self):
        peer = self.session()
        for tag in range(1, 3 * peer.credits):  # fetched from the host, which does not answer
            try:
                peer.send(cmd(tag, write10(0, 8), direct(4096), out=DIRECT))
            except ConnectionError:
                break
        peer.wait_closed()
        self.assert_said(peer, "more requests than its", "credits allow",
                         "check the host's SRP initiator")

    def test_commands_without_taking_answers(self):
        """Each answer gives a credit back, whether it is read or not."""
        peer = self.session(receive_buffer=4096)
        before = self.srpd.resident()
        iu = cmd(1, read10(0, 2048), direct(1 << 20), in_=DIRECT)
        try:
            for _ in range(20000):
                peer.send(iu)
        except (ConnectionError, socket.timeout):
            pass
        self.assert_said(peer, "takes no answers", "check the host's SRP initiator")
        self.assertLess(self.srpd.resident() - before, 16 << 20)


class DiesMidWrite(HostileTest):
    """Whatever was not received is not written, and nothing of the session is left."""

    def die(self, lun, end, fraction):
        peer = self.session(lun)
        peer.send(cmd(1, write10(0, 128), direct(65536), out=DIRECT, lun=lun))
        stag, offset, size, _, _ = peer.next_of(READ_REQUEST).read_request()
        response = tagged_fpdu(READ_RESPONSE, stag, offset, b"\xee" * 32768, last=False)
        peer.raw(response[:int(len(response) * fraction)])
        if end == "reset":
            peer.reset()
        else:
            peer.socket.close()
        self.assert_said(peer, "session ended")
        self.assertEqual(size, 65536)

    def test_it(self):
        before = self.descriptors()
        for lun in (MEMORY, FILE):
            for end in ("close", "reset"):
                for fraction in (0, 0.0003, 0.5, 1):
                    self.die(lun, end, fraction)
        self.wait_until(lambda: self.descriptors() <= before, 5, "descriptors come back")
        content = self.check_srp("read", self.srpd.url(FILE), "-", "--count", "64k")
        self.assertEqual(content.count(b"\xee"), 0)

    def test_inside_a_command(self):
        data = struct.pack(">I", 4096) + bytes(16) + b"\xee" * 4096
        whole = send_fpdu(cmd(1, write10(0, 8), data, out=IMMEDIATE, lun=FILE), 2)
        before = self.descriptors()
        for length in (1, 4, 30, 100, len(whole) - 1):
            with self.session(FILE) as peer:
                peer.raw(whole[:length])
        self.wait_until(lambda: self.descriptors() <= before, 5, "descriptors come back")
        content = self.check_srp("read", self.srpd.url(FILE), "-", "--count", "4k")
        self.assertEqual(content, bytes(4096))

    def test_half_closed(self):
        """FIN behind a command: the answer needs nobody."""
        peer = self.session()
        peer.send(cmd(1, TEST_UNIT_READY))
        peer.socket.shutdown(socket.SHUT_WR)
        self.assertLess(peer.wait_closed(), 5)


if __name__ == "__main__":
    support.main()
