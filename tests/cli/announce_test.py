"""Announcing and finding targets by multicast DNS: two machines made of namespaces, each with a
real dbus-daemon and avahi-daemon."""

import json
import unittest

import machines
import support

WHY_NOT = machines.missing()
SERVER, HOST = "10.77.0.1", "10.77.0.2"


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Announce(support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = machines.Machine(self, "storage1")
        self.host = machines.Machine(self, "host1")
        machines.join(self.server, self.host, "10.77.0")

    def with_responders(self):
        for machine in (self.server, self.host):
            machine.start_dbus()
            machine.start_avahi()

    def serve(self, *arguments):
        return self.server.start_srpd("--ramdisk", "16M", "--open", *arguments)

    def announced(self, srpd, times=1):
        machines.Machine.wait_until(lambda: srpd.output.count("announced by mDNS as") >= times,
                                    lambda: f"announced {times} times: {srpd.output}")

    def finds(self, *arguments):
        """The standard output of srp discover at the host, once it has any."""
        found = []

        def look():
            found[:] = [self.host.srp("discover", *arguments)]
            return found[0].returncode == 0
        machines.Machine.wait_until(look, lambda: f"something is found: {found[0].stderr}")
        return found[0].stdout

    def finds_nothing(self):
        machines.Machine.wait_until(lambda: self.host.srp("discover").returncode == 3,
                                    "nothing is found")

    def target_of(self, srpd):
        return srpd.wait_for(" target ").split()[1].rstrip(":")

    def test_from_start_to_end(self):
        self.with_responders()
        srpd = self.serve("--listen", "0.0.0.0")
        self.announced(srpd)
        target = self.target_of(srpd)
        block = self.finds()
        self.assertIn("    port GID:        00000000000000000000ffff0a4d0001\n", block)
        self.assertIn(f"        GUID:      {target[16:]}\n", block)
        self.assertEqual(block.count("IO Unit Info"), 1)
        line = f"id_ext={target[:16]},ioc_guid={target[16:]},dest={SERVER}:5555\n"
        self.assertEqual(self.finds("-c"), line)
        unit, = json.loads(self.finds("--json"))["units"]
        self.assertEqual(unit["node"], "storage1")
        self.assertEqual(unit["listeners"][0]["address"], SERVER)
        self.assertIn(f"srp://{SERVER}/0", self.finds("-l"))
        self.assertEqual(srpd.stop(), 0)
        self.finds_nothing()

    def test_the_responder_restarts(self):
        self.with_responders()
        srpd = self.serve("--listen", SERVER)
        self.announced(srpd)
        self.finds()
        self.server.stop("avahi")
        self.finds_nothing()
        srpd.wait_for("not announced by mDNS: neither avahi-daemon nor systemd-resolved")
        self.server.start_avahi()
        self.announced(srpd, 2)
        self.finds()

    def test_d_bus_restarts(self):
        self.with_responders()
        srpd = self.serve("--listen", SERVER)
        self.announced(srpd)
        self.server.stop("avahi")
        self.server.stop("dbus")
        self.server.start_dbus()
        self.server.start_avahi()
        self.announced(srpd, 2)
        self.finds()

    def test_no_responder(self):
        srpd = self.serve("--listen", SERVER)
        line = srpd.wait_for("not announced by mDNS")
        self.assertIn(" info ", line)
        self.assertNotIn("warning", srpd.output)
        self.assertNotIn("error", srpd.output)
        done = self.host.srp("discover")
        self.assertEqual(done.returncode, 3)
        self.assertIn("start avahi-daemon, or name the host", done.stderr)
        # Who knows the name needs no responder.
        self.assertIn("IO Unit Info", self.host.srp("discover", SERVER).stdout)
        self.assertEqual(srpd.output.count("not announced"), 1)

    def test_only_what_others_reach(self):
        self.with_responders()
        local = self.serve("--listen", "127.0.0.1:5600")
        silent = self.serve("--listen", f"{SERVER}:5700", "--no-announce")
        loud = self.serve("--listen", f"{SERVER}:5800", "--discovery-port", "6000")
        self.announced(loud)
        self.assertIn(":5800\n", self.finds("-c"))
        for srpd in (local, silent):
            self.assertNotIn("announced", srpd.output)

    def test_without_discovery_service_the_announcement_is_enough(self):
        self.with_responders()
        srpd = self.serve("--listen", SERVER, "--no-discovery")
        self.announced(srpd)
        target = self.target_of(srpd)
        self.assertEqual(self.finds("-c"),
                         f"id_ext={target[:16]},ioc_guid={target[16:]},dest={SERVER}:5555\n")

    def test_an_address_that_comes_later(self):
        self.with_responders()
        later = "10.77.0.7"
        srpd = self.serve("--listen", f"rdma:{later}")
        self.announced(srpd)
        self.assertEqual(self.host.srp("discover", later, "--patience", 1).returncode, 3)
        self.server.check("ip", "address", "add", f"{later}/24", "dev", "eth0")
        srpd.wait_for(f"discovery on rdma:{later}:5556: the address is there now")
        target = self.target_of(srpd)
        self.assertEqual(self.finds("-c", later),
                         f"id_ext={target[:16]},ioc_guid={target[16:]},dest={later}:5555\n")
        self.announced(srpd, 2)

    def test_addresses_of_one_link(self):
        self.server.check("ip", "address", "add", "fe80::77/64", "dev", "eth0", "nodad")
        srpd = self.serve("--listen", "[fe80::77%eth0]:5600")
        srpd.wait_for("discovery on [fe80::77%eth0]:5601")
        target = self.target_of(srpd)
        there = "[fe80::77%eth0]:5600"
        self.assertEqual(self.finds("-c", there),
                         f"id_ext={target[:16]},ioc_guid={target[16:]},dest={there}\n")
        self.assertIn("RAMDISK-MCP", self.host.srp("inq", f"srp://{there}/0").stdout)
        self.assertIn("add its interface", self.host.srp("inq", "srp://[fe80::77]:5600/0").stderr)

    def test_a_name_that_is_taken(self):
        self.with_responders()
        name = ["--target-name", "0002:c903:000e:8acc"]
        first = self.serve("--listen", f"{SERVER}:5600", *name)
        self.announced(first)
        second = self.serve("--listen", f"{SERVER}:5700", *name)
        self.announced(second)
        self.assertIn('on storage1 #2"', second.output)
        both = self.finds("-c")
        machines.Machine.wait_until(lambda: len(self.finds("-c").splitlines()) == 2,
                                    lambda: f"both are found: {both}")

    def test_systemd_resolved(self):
        program = machines.resolved(self.directory)
        if program is None:
            self.skipTest("systemd-resolved is not installed and cannot be fetched")
        for machine in (self.server, self.host):
            machine.start_dbus()
            machine.start_resolved(program)
        srpd = self.serve("--listen", "0.0.0.0")
        self.announced(srpd)
        self.assertIn("    port GID:        00000000000000000000ffff0a4d0001\n", self.finds())
        # Without a word of goodbye its announcement is left over; the next srpd takes its place.
        srpd.stop(9)
        again = self.serve("--listen", "0.0.0.0")
        self.announced(again)
        self.finds()
        self.assertEqual(again.stop(), 0)

    def test_resolved_and_avahi_find_each_other(self):
        program = machines.resolved(self.directory)
        if program is None:
            self.skipTest("systemd-resolved is not installed and cannot be fetched")
        self.server.start_dbus()
        self.server.start_resolved(program)
        self.host.start_dbus()
        self.host.start_avahi()
        srpd = self.serve("--listen", "0.0.0.0")
        self.announced(srpd)
        self.assertIn(f",dest={SERVER}:5555\n", self.finds("-c"))


if __name__ == "__main__":
    support.main()
