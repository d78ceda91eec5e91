"""The shell of srpctl, on a terminal of tmux's: completion, history, colours."""

import itertools
import os
import shutil
import subprocess
import time

import support
from srpctl_support import SrpctlTest, TARGET, WWN
from support import BIN


class Terminal:
    """srpctl in a tmux of its own, 100 columns wide."""

    numbers = itertools.count(1)

    def __init__(self, test, *words, **environment):
        self.test = test
        # Of its own: a server that was told to end takes new clients until it has ended.
        self.socket = str(test.directory / f"tmux{next(self.numbers)}")
        variables = [f"{name}={value}" for name, value in environment.items()]
        command = ["env", "-u", "NO_COLOR", *variables, str(BIN.resolve() / "srpctl"), "--socket",
                   str(test.socket), *words]
        # It stays for what is looked at after the end.
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40",
                  " ".join(command) + "; echo ENDED $?; sleep 600")
        test.addCleanup(self.tmux, "kill-server", expected=None)

    def tmux(self, *words, expected=0):
        done = subprocess.run(["tmux", "-S", self.socket, *words], capture_output=True, text=True,
                              timeout=60, check=False,
                              env=self.test.environment(TERM="xterm-256color"))
        if expected is not None:
            self.test.assertEqual(done.returncode, expected, done.stderr)
        return done.stdout

    def type(self, text, *keys):
        if text:
            self.tmux("send-keys", "-l", text)
        for key in keys:
            self.tmux("send-keys", key)

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def wait_for(self, text, seconds=30):
        """The screen when it shows the text."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            screen = self.screen()
            if text in screen:
                return screen
            time.sleep(0.05)
        self.test.fail(f"no '{text}' on the screen:\n{self.screen()}")


class Shell(SrpctlTest):
    def setUp(self):
        super().setUp()
        self.make_all()

    def test_completion(self):
        terminal = Terminal(self)
        terminal.wait_for("/>")
        terminal.type("hist", "Tab")
        terminal.wait_for("/> history")
        terminal.type("", "C-u")
        terminal.type("ls /ba", "Tab")
        terminal.wait_for("/> ls /backstores/")
        terminal.type("r", "Tab", "Tab")
        terminal.wait_for("/> ls /backstores/ramdisk/ram0/")
        terminal.type("", "C-u")
        terminal.type("cd /srpt/", "Tab", "Enter")
        terminal.wait_for(f"{TARGET}>")
        terminal.type("ls ", "Tab")
        self.assertIn("> ls\nacls/", terminal.wait_for("acls/  luns/"))
        terminal.type("lu", "Tab", "l", "Tab", "Tab")
        terminal.wait_for("lun0  lun7")
        terminal.type("", "C-u")
        terminal.type("set srp_sq", "Tab")
        terminal.wait_for("set srp_sq_size=")
        terminal.type("64", "Enter")
        terminal.type("get attribute srp_sq_size", "Enter")
        terminal.wait_for("srp_sq_size=64")
        terminal.type("help emulate_ta", "Tab", "Enter")
        terminal.wait_for("emulate_tas: 1: hosts are told")

    def test_history_lasts(self):
        terminal = Terminal(self)
        terminal.wait_for("/>")
        terminal.type("info /backstores/ramdisk/ram0", "Enter")
        terminal.wait_for("/sys/kernel/config/target/core/rd_mcp_0/ram0")
        terminal.type("exit", "Enter")
        terminal.wait_for("ENDED 0")
        self.assertIn("info", (self.directory / ".srpctl_history").read_text())
        terminal.tmux("kill-server")
        again = Terminal(self)
        again.wait_for("/>")
        again.type("", "Up", "Up")
        again.wait_for("/> info /backstores/ramdisk/ram0")
        again.type("", "C-c")

    def test_colours_on_a_terminal_only(self):
        terminal = Terminal(self, "ls")
        terminal.wait_for("ENDED 0")
        self.assertIn("\x1b[1m", terminal.screen("-e"))
        terminal.tmux("kill-server")
        plain = Terminal(self, "ls", NO_COLOR="1")
        plain.wait_for("ENDED 0")
        self.assertNotIn("\x1b[1m", plain.screen("-e"))

    def test_end_of_input_ends_it(self):
        terminal = Terminal(self)
        terminal.wait_for("/>")
        terminal.type("", "C-d")
        terminal.wait_for("ENDED 0")


class Script(SrpctlTest):
    def test_lines_from_a_file(self):
        out = self.srpctl(text_in="""\
# a comment
/backstores/ramdisk create "ram 0" 1M
cd /backstores/ramdisk
pwd
create ram1 1M
ls
help create
delete ram1
/srpt create """ + WWN + f"""
cd {TARGET}/luns
create "/backstores/ramdisk/ram 0"
ls
exit
ls /not/reached
""")
        self.assertNotIn("\x1b", out)
        self.assertIn("Created /backstores/ramdisk/ram 0.\n/backstores/ramdisk\n", out)
        self.assertIn("o- ram1 ", out)
        self.assertIn("create /backstores/fileio NAME FILE", out)
        self.assertIn("Deleted /backstores/ramdisk/ram1.", out)
        self.assertIn("[ramdisk/ram 0 (default_tg_pt_gp)]", out)
        self.assertNotIn("reached", out)

    def test_the_last_command_decides(self):
        self.assertIn("no such object", self.srpctl(text_in="ls\ncd /nowhere\n", code=1))
        self.assertIn("no command", self.srpctl(text_in="help nothing\n", code=1))
        self.srpctl(text_in="nonsense\n", code=2)


if __name__ == "__main__":
    if shutil.which("tmux") is None and os.environ.get("CI") != "true":
        print("skipped: tmux is missing; install tmux")
        raise SystemExit(77)
    support.main()
