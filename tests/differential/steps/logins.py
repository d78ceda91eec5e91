"""Where the fabric listens: needs adapters."""

NEEDS = ("rdma",)


def run(t):
    t.section("the port of RDMA/CM")
    t.mkdir("srpt")
    path = "srpt/discovery_auth/rdma_cm_port"
    for text in ("", "\n", "x", "-1", "65536", "4294967296", "0x", "1x", " 1", "0", "5600\n",
                 "5600", "0x15e1", "0", "+5602", "0\n"):
        t.write(path, text)
    t.rmdir("srpt")
