#!/usr/bin/env python3
"""Asks an InfiniBand port by LID with Device Management MADs, well formed or not.

usage: mad_query.py [--device NAME] LID QUESTION...

QUESTION is ATTRIBUTE:MODIFIER[:METHOD[:VERSION]] in hex; Get (1) of class version 1 unless said.
Prints a line for each: "ATTRIBUTE:MODIFIER status STATUS DATA", the data without their last
zeros; or "... no answer".
"""

import argparse
import sys

from umad import Agent, Header

DEVICE_MANAGEMENT = 6


def question(text):
    """(attribute, modifier, method, version)"""
    parts = [int(part, 16) for part in text.split(":")]
    return tuple(parts + [1, 1][len(parts) - 2:])


def ask(agent, lid, transaction, attribute, modifier, method, version):
    """What the port says, as text."""
    header = Header(1, DEVICE_MANAGEMENT, version, method, 0, 0, transaction, attribute, 0,
                    modifier)
    if not agent.send(header.pack(), lid, 1, timeout_ms=1000, retries=2):
        sys.exit("mad_query: the question cannot be sent")
    answer = agent.receive(10000)
    if answer is None:
        return "no answer"
    mad = answer[0]
    return f"status {Header.parse(mad).status:04x} {mad[64:].rstrip(bytes(1)).hex()}".rstrip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device")
    parser.add_argument("lid", type=int)
    parser.add_argument("questions", nargs="+")
    options = parser.parse_args()
    agent = Agent(options.device, DEVICE_MANAGEMENT, 1)
    for transaction, text in enumerate(options.questions, 1):
        what = question(text)
        print(f"{what[0]:04x}:{what[1]:08x}", ask(agent, options.lid, transaction, *what))


if __name__ == "__main__":
    main()
