"""activate.py NAMES FD[,FD...] COMMAND...: runs a command with these descriptors passed as a
service manager passes listening sockets (sd_listen_fds(3))."""

import fcntl
import os
import sys


def main():
    names, given, command = sys.argv[1], [int(fd) for fd in sys.argv[2].split(",")], sys.argv[3:]
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in given]
    for number, fd in enumerate(high):
        os.dup2(fd, 3 + number)
    os.environ.update(LISTEN_FDS=str(len(given)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=names)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
