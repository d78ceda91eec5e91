"""Hosts that let srpd wait: one stops reading while much data are on their way to it, one never
answers an RDMA Read. Both hold buffers of the daemon; others must not notice, and they must be
thrown out in time."""

import os
import time

import support
from hostile_support import FILE, HostileTest
from iwarp_peer import DIRECT, cmd, direct, read10, write10

MIB = 1 << 20
BLOCKS = MIB // 512


class Stall(HostileTest):
    def pile_up(self, peer, cdb, **data):
        """As many commands of 1 MiB as there are credits."""
        for tag in range(peer.credits):
            peer.send(cmd(tag, cdb(tag % 64 * BLOCKS, BLOCKS), direct(MIB), lun=FILE, **data))

    def check_others(self):
        begin = time.monotonic()
        data = os.urandom(4 * MIB)
        self.check_srp("write", self.srpd.url(FILE), "-q", data=data)
        self.assertEqual(self.check_srp("read", self.srpd.url(FILE), "-q", "--count", "4M"), data)
        self.assertLess(time.monotonic() - begin, 10)
        self.assert_others_unharmed()

    def test_both(self):
        self.check_others()
        memory = self.srpd.resident()
        begin = time.monotonic()
        deaf = self.session(FILE, receive_buffer=16384)
        self.pile_up(deaf, read10, in_=DIRECT)
        mute = self.session(FILE)
        self.pile_up(mute, write10, out=DIRECT)
        time.sleep(1)
        self.check_others()
        self.assertLess(self.srpd.resident() - memory, 96 * MIB)
        self.srpd.wait_for(f"{deaf.name}: session ended", 60)
        self.assert_said(deaf, "the peer does not answer any more", "check the host")
        self.srpd.wait_for(f"{mute.name}: session ended", 60 - (time.monotonic() - begin))
        self.assert_said(mute, "does not answer RDMA Reads", "check the host")
        if not support.SANITIZED:
            self.wait_until(lambda: self.srpd.resident() < memory + 8 * MIB, 20,
                            "memory comes back")


if __name__ == "__main__":
    support.main()
