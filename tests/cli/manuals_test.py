"""The manual pages and the completion of bash say what the programs' own --help says, no more and
no less."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

import support
from support import BIN

PACKAGING = pathlib.Path(__file__).resolve().parent.parent.parent / "packaging"
PAGES = {"srpd": "srpd.8", "srpctl": "srpctl.8", "srp": "srp.1"}
BASH_COMPLETION = pathlib.Path("/usr/share/bash-completion/bash_completion")


def help_of(program, *command):
    return subprocess.run([str(BIN / program), *command, "--help"], capture_output=True, text=True,
                          check=True).stdout


def options_in_help(text, aliases=True):
    """Long options; they stand two blanks from the margin, behind their short form."""
    found = set()
    for line in re.findall(r"^  (-\S+)", text, re.M):
        found.update(re.findall(r"--[\w-]+", line)[:None if aliases else 1])
    return found


def commands_in_help(text):
    part = re.search(r"^Subcommands:\n((?:  .*\n)*)", text, re.M)
    return re.findall(r"^  ([a-z]\S*)", part.group(1), re.M) if part else []


def options_in_page(text):
    """What .It lines begin with: .It Fl q , Fl -quiet"""
    found = set()
    for line in re.findall(r"^\.It (Fl .*)", text, re.M):
        found.update("-" + name for name in re.findall(r"Fl (-[\w-]+)", line))
    return found


def sections(text):
    """The page's part before its commands, and each command's by name."""
    head, *rest = re.split(r"^\.Sh COMMANDS\n", text, flags=re.M)
    commands = re.split(r"^\.S[sh] ", rest[0], flags=re.M)[1:] if rest else []
    own = {}
    for part in commands:
        name = part.split()[0]
        if name.islower():
            own[name] = part
    return head, own


class Pages(unittest.TestCase):
    def page(self, name):
        return (PACKAGING / "man" / name).read_text()

    def test_options(self):
        for program, page in PAGES.items():
            with self.subTest(program):
                head, _ = sections(self.page(page))
                self.assertEqual(options_in_page(head), options_in_help(help_of(program)))

    def test_commands_with_their_options(self):
        for program, page in PAGES.items():
            _, parts = sections(self.page(page))
            self.assertEqual(list(parts), commands_in_help(help_of(program)), page)
            for command, part in parts.items():
                with self.subTest(f"{program} {command}"):
                    told = options_in_help(help_of(program, command)) - {"--help"}
                    self.assertEqual(options_in_page(part), told)

    def test_they_are_well_formed(self):
        if shutil.which("mandoc") is None:
            self.skipTest("no mandoc on this machine; tools/install check installs it")
        pages = sorted(map(str, (PACKAGING / "man").iterdir()))
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_groff_takes_them(self):
        if shutil.which("groff") is None:
            self.skipTest("no groff on this machine; tools/install check installs it")
        for page in sorted((PACKAGING / "man").iterdir()):
            done = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", str(page)],
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)


class Completion(unittest.TestCase):
    def setUp(self):
        if not BASH_COMPLETION.exists():
            self.skipTest("no bash-completion on this machine; tools/install check installs it")

    def complete(self, *words):
        """What bash offers for the last word of this line."""
        # compopt works inside the shell's own completion only.
        script = (f"compopt() {{ :; }}; . {BASH_COMPLETION}; . {PACKAGING}/completion/{words[0]}; "
                  'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; '
                  'COMP_POINT=${#COMP_LINE}; "_$1" "$1" "${@: -1}" "${@: -2:1}"; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        path = f"{BIN}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True,
                              text=True, env={**os.environ, "PATH": path}, cwd="/")
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def test_options(self):
        for program in PAGES:
            self.assertEqual(self.complete(program, "--"), options_in_help(help_of(program)))

    def test_commands(self):
        for program in ["srpctl", "srp"]:
            commands = set(commands_in_help(help_of(program)))
            self.assertGreater(len(commands), 2)
            self.assertEqual(self.complete(program, ""), commands)

    def test_options_of_commands(self):
        for program in ["srpctl", "srp"]:
            for command in commands_in_help(help_of(program)):
                self.assertEqual(self.complete(program, command, "--"),
                                 options_in_help(help_of(program, command), aliases=False))

    def test_values(self):
        self.assertEqual(self.complete("srpd", "--backend", "e"), {"epoll"})
        self.assertEqual(self.complete("srpd", "--config", "/etc/host"),
                         {str(path) for path in pathlib.Path("/etc").glob("host*")})
        self.assertEqual(self.complete("srpd", "--ramdisk", ""), set())
        self.assertEqual(self.complete("srp", "--transport", "v"), {"verbs"})
        formats = set(re.findall(r"^ +([a-z-]+): ", help_of("srpctl", "import"), re.M))
        self.assertEqual(self.complete("srpctl", "import", "--format", ""), formats)

    def test_a_command_behind_ns(self):
        self.assertIn("true", self.complete("srpctl", "ns", "tru"))


if __name__ == "__main__":
    support.main()
