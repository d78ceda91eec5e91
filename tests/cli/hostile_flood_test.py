"""Ten thousand connections that never log in, from many addresses: hosts that are in stay in,
others still get in, and srpd has forgotten the flood when it is over."""

import resource
import socket
import struct
import threading
import time

import support
from hostile_support import MEMORY, HostileTest
from iwarp_peer import REQUEST_KEY
from support import SANITIZED

CONNECTIONS = 10000
WAITING = 1024  # what srpd keeps of them


class Flood(HostileTest):
    def setUp(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < CONNECTIONS + 1000:
            self.skipTest(f"needs {CONNECTIONS + 1000} open files, the hard limit is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        super().setUp()
        self.sockets = []
        self.addCleanup(self.close_all)

    def close_all(self):
        for one in self.sockets:
            # RST: ten thousand ports in TIME_WAIT would be in the way of other tests.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()
        self.sockets = []

    def connect_one(self, number):
        one = socket.socket()
        self.sockets.append(one)
        one.settimeout(20)
        one.bind((f"127.0.{number % 50}.{number % 7 + 2}", 0))
        one.connect(("127.0.0.1", self.srpd.port))
        try:
            one.send(REQUEST_KEY[:number % 17])
        except ConnectionError:
            pass  # dropped for newer ones already

    def log_in(self):
        """How long a new host needs to get in and have a command answered."""
        begin = time.monotonic()
        done = support.srp("ping", "-q", "-c", "1", self.srpd.url(MEMORY))
        self.assertEqual(done.returncode, 0, (done.stderr.decode(), self.srpd.output))
        return time.monotonic() - begin

    def log_in_meanwhile(self):
        while not self.over.is_set():
            self.took.append(self.log_in())

    def test_it(self):
        self.log_in()
        descriptors, memory = self.descriptors(), self.srpd.resident()
        self.over, self.took = threading.Event(), []
        newcomer = threading.Thread(target=self.log_in_meanwhile)
        newcomer.start()
        try:
            for number in range(CONNECTIONS):
                self.connect_one(number)
            self.took.append(self.log_in())
            self.assertLess(self.descriptors(), descriptors + WAITING + 10)
            self.srpd.wait_for(f"more than {WAITING} connections without a login")
        finally:
            self.over.set()
            newcomer.join()
        self.assertLess(max(self.took), 5)
        self.assertGreater(len(self.took), 2)
        self.assertLess(self.srpd.output.count(" warning "), 50)
        self.close_all()
        self.wait_until(lambda: self.descriptors() <= descriptors, 10, "descriptors come back")
        if not SANITIZED:
            self.wait_until(lambda: self.srpd.resident() < memory + (2 << 20), 10,
                            "memory comes back")


if __name__ == "__main__":
    support.main()
