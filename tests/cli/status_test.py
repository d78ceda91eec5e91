"""What srpd says about its sessions and about refused logins when SIGUSR1 asks."""

import signal
import time

import support
from iwarp_peer import Peer, login_req, mpa_request

HOST = bytes.fromhex("0000000000000000" "0000000000000a01")
STRANGER = bytes.fromhex("0000000000000000" "0000000000000bad")


def name(initiator):
    return "0x" + initiator.hex()


class Status(support.ProgramTest):
    def status(self, srpd):
        """The lines of a fresh answer, without what stands before the text."""
        before = srpd.output.count(" status: ")
        srpd.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            # The lines come in one go: whoever sees the last one, which tells of refused logins or
            # is the summary, has waited long enough for the rest.
            parts = srpd.output.split(" status: ")
            if len(parts) > before + 1 and parts[-1].endswith("\n"):
                lines = parts[-1].splitlines()
                numbers = [int(word) for word in lines[0].split() if word.isdigit()]
                if len(lines) == 1 + sum(numbers):
                    return lines
            time.sleep(0.05)
        self.fail(f"no status from srpd:\n{srpd.output}")

    def refused(self, srpd, **fields):
        with Peer(srpd.port) as peer:
            peer.raw(mpa_request(login_req(**fields)))
            peer.wait_closed()
            return peer.name

    def test_nobody(self):
        srpd = self.start("--ramdisk", "1M", "--open")
        self.assertEqual(self.status(srpd), ["0 sessions, 0 refused logins"])

    def test_at_any_log_level(self):
        srpd = self.start("--ramdisk", "1M", "--open", "--log-level", "error")
        self.assertEqual(self.status(srpd), ["0 sessions, 0 refused logins"])

    def test_sessions_and_refusals(self):
        srpd = self.start("--ramdisk", "1M", "--allow", name(HOST), "--loops", "2")
        with Peer(srpd.port) as first, Peer(srpd.port) as second:
            first.log_in(initiator=HOST)
            second.log_in(initiator=HOST)
            self.refused(srpd, initiator=STRANGER)
            last = self.refused(srpd, initiator=STRANGER)
            self.refused(srpd, initiator=HOST, iu=65537)
            summary, *lines = self.status(srpd)
            self.assertEqual(summary, "2 sessions, 2 refused logins")
            for peer in [first, second]:
                line = next(line for line in lines if f" at {peer.name} with " in line)
                self.assertIn(f"session of {name(HOST)}", line)
                self.assertIn("0 commands, ", line)
                self.assertIn("iwarp", line)
            stranger, host = lines[2:]
            self.assertIn(f"login of {name(STRANGER)} at {last}", stranger)
            self.assertIn("refused 2 times, last ", stranger)
            self.assertIn("no ACL names this initiator; start srpd with --allow 127.0.0.1",
                          stranger)
            self.assertIn("reason 0x00010003, UNABLE TO ASSOCIATE RDMA CHANNEL", stranger)
            self.assertIn("refused 1 time, last ", host)
            self.assertIn("reason 0x00010002, REQUESTED MAXIMUM INITIATOR TO TARGET IU", host)
        srpd.wait_for("session ended")
        self.assertEqual(srpd.stop(), 0)


if __name__ == "__main__":
    support.main()
