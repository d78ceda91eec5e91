"""Carries out operations on a tree of LIO's and writes down what each was answered, as lines that
compare.py reads:

    OPERATION PATH...<TAB>RESULT[<TAB>VALUE]

RESULT is OK, the name of an errno, or for a short write OK(BYTES). Paths are below target/. In
texts \\n, \\t, \\\\ and \\xNN stand for what they do in C, \\s for a blank, {x*255} for 255 times
x, and names in braces for what differs from machine to machine (the port, disks, files).

A sweep, which writes many values to one attribute, is a line and one for each result it had:

    sweep PATH<TAB>VALUE-BEFORE
     RESULT TEXT[=>VALUE]...

with the value that is read afterwards where it is not TEXT (of a success) or the one before (of a
failure)."""

import errno
import os
import re

LONGEST_PLAIN_RUN = 16
MAX_TEXT = 65536
ANY = "(any)"


def name_of(error):
    return errno.errorcode.get(error.errno, str(error.errno))


def escaped(data):
    """Bytes as one word without blanks."""
    out = []
    for byte in data:
        char = chr(byte)
        if char in "\\{}":
            out.append({"\\": "\\\\"}.get(char, f"\\x{byte:02x}"))
        elif char in "\n\t ":
            out.append({"\n": "\\n", "\t": "\\t", " ": "\\s"}[char])
        elif 0x20 < byte < 0x7f:
            out.append(char)
        else:
            out.append(f"\\x{byte:02x}")
    return runs_shortened("".join(out))


def runs_shortened(text):
    def shortened(run):
        unit = run.group(1)
        return "{%s*%d}" % (unit, len(run.group(0)) // len(unit))
    return re.sub(r"(\\s|\w)\1{%d,}" % LONGEST_PLAIN_RUN, shortened, text)


def encoded(text):
    return text if isinstance(text, bytes) else text.encode()


class Recorder:
    def __init__(self, root, places, out):
        self.root = root
        # The longest first: the name of a port holds that of its GUID in no form, but a file may
        # lie in a directory that is named as well.
        self.places = sorted(places.items(), key=lambda place: -len(place[1]))
        # A number stands for itself too often.
        self.named = [place for place in self.places if not place[1].isdigit()]
        self.out = out

    # --- texts ---

    def fill(self, text):
        """{name} by what it stands for."""
        data = encoded(text)
        for name, value in self.places:
            data = data.replace(b"{%s}" % name.encode(), value.encode())
        return data

    def shown(self, data):
        """The other way round."""
        marked = encoded(data)
        for index, (_, value) in enumerate(self.named):
            # A byte that is in no UTF-8 text, and the number of the place.
            marked = marked.replace(value.encode(), b"\xff" + bytes([0x30 + index]))
        text = escaped(marked)
        for index, (name, _) in enumerate(self.named):
            text = text.replace("\\xff" + chr(0x30 + index), "{%s}" % name)
        return text

    def at(self, path):
        return os.path.join(encoded(self.root), self.fill(path)) if path else encoded(self.root)

    def line(self, *fields):
        self.out.write("\t".join(fields) + "\n")
        self.out.flush()

    def section(self, title):
        self.line(f"== {title}")

    def words(self, operation, *paths):
        return " ".join([operation, *(self.shown(self.fill(path)) for path in paths)])

    def answer(self, words, work):
        """One line; returns whether it was done."""
        try:
            value = work()
        except OSError as error:
            self.line(words, name_of(error))
            return False
        self.line(words, "OK", *([] if value is None else [value]))
        return True

    # --- operations ---

    def mkdir(self, path):
        return self.answer(self.words("mkdir", path), lambda: os.mkdir(self.at(path)))

    def rmdir(self, path):
        return self.answer(self.words("rmdir", path), lambda: os.rmdir(self.at(path)))

    def unlink(self, path):
        return self.answer(self.words("unlink", path), lambda: os.unlink(self.at(path)))

    def symlink(self, path, target):
        """The target is below target/, or absolute."""
        text = self.fill(target) if target.startswith("/") else self.at(target)
        return self.answer(self.words("symlink", path, target),
                           lambda: os.symlink(text, self.at(path)))

    def readlink(self, path):
        return self.answer(self.words("readlink", path),
                           lambda: self.shown(os.readlink(self.at(path))))

    def ls(self, path):
        """In the order of the directory: directories and links count, newest first."""
        def listed():
            with os.scandir(self.at(path)) as entries:
                names = [(self.shown(entry.name), entry.is_file(follow_symlinks=False))
                         for entry in entries]
            made = [name for name, is_file in names if not is_file]
            return " ".join(made + sorted(name for name, is_file in names if is_file))
        return self.answer(self.words("ls", path), listed)

    def write(self, path, text):
        """One write(2), and what is read then, by another open."""
        words = f"{self.words('write', path)} {self.shown(self.fill(text)) or chr(39) * 2}"
        try:
            count = self.store(path, self.fill(text))
            result = "OK" if count == len(self.fill(text)) else f"OK({count})"
        except OSError as error:
            result = name_of(error)
        self.line(words, result, self.value(path))
        return result == "OK"

    def read(self, path):
        self.line(self.words("read", path), self.value(path))

    def do(self, what, work):
        """Anything else, in words of its own."""
        return self.answer(what, work)

    def sweep(self, path, values):
        """Writes each value and reads it back, by one open file, and puts the first one back."""
        before = self.raw(path)
        self.line(self.words("sweep", path), self.shown_value(before))
        groups = {}
        try:
            with open(self.at(path), "wb" if before is None else "r+b", buffering=0) as file:
                last = before
                for value in values:
                    result, after = self.try_value(file, self.fill(value), before is not None)
                    kept = groups.setdefault(result, [])
                    kept.append(self.sweep_word(value, result.startswith("OK"), last, after))
                    last = after
                if isinstance(before, bytes):
                    self.try_value(file, before, False)
        except OSError as error:
            groups[f"open:{name_of(error)}"] = []
        for result, words in groups.items():
            self.line(" ".join(["", result, *words]))

    @staticmethod
    def try_value(file, data, readable):
        try:
            count = os.write(file.fileno(), data)
            result = "OK" if count == len(data) else f"OK({count})"
        except OSError as error:
            result = name_of(error)
        if not readable:
            return result, None
        try:
            return result, os.pread(file.fileno(), MAX_TEXT, 0)
        except OSError as error:
            return result, name_of(error)

    def sweep_word(self, value, done, before, after):
        filled = self.fill(value)
        word = self.shown(filled) or "''"
        if after is None or after == (before if not done else None):
            return word
        if done and isinstance(after, bytes) and after.strip() == filled.strip():
            return word
        return f"{word}=>{self.shown_value(after)}"

    # --- values ---

    def store(self, path, data):
        descriptor = os.open(self.at(path), os.O_WRONLY | os.O_TRUNC)
        try:
            return os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def raw(self, path):
        """What is read: bytes, the name of an errno, or None where it is only written."""
        try:
            descriptor = os.open(self.at(path), os.O_RDONLY)
        except OSError as error:
            return None if error.errno == errno.EACCES else name_of(error)
        try:
            return os.read(descriptor, MAX_TEXT)
        except OSError as error:
            return name_of(error)
        finally:
            os.close(descriptor)

    def value(self, path):
        return self.shown_value(self.raw(path))

    def shown_value(self, value):
        if value is None:
            return "-"
        return f"!{value}" if isinstance(value, str) else f"'{self.shown(value)}'"

    # --- whole directories ---

    def attributes_of(self, path):
        """Names of the attributes of a directory and their modes, by the alphabet."""
        with os.scandir(self.at(path)) as entries:
            found = {entry.name.decode(): entry.stat(follow_symlinks=False).st_mode & 0o7777
                     for entry in entries if entry.is_file(follow_symlinks=False)}
        return dict(sorted(found.items()))

    def dump(self, path, masked=()):
        """All that is below: modes, links, values. Of attributes with a masked name only whether
        they can be read."""
        for directory, names, files in os.walk(self.at(path)):
            below = os.path.relpath(directory, encoded(self.root)).decode()
            links = sorted(name for name in names
                           if os.path.islink(os.path.join(directory, name)))
            names[:] = sorted(name for name in names if name not in links)
            self.line(f"dir {self.shown(below)}", f"{os.stat(directory).st_mode & 0o7777:o}")
            for name in links:
                self.line(f"link {self.shown(below)}/{self.shown(name)}",
                          self.shown(os.readlink(os.path.join(directory, name))))
            for name in sorted(files):
                self.dump_file(f"{below}/{name.decode()}", name.decode() in masked)

    def dump_file(self, path, masked):
        status = os.stat(os.path.join(encoded(self.root), path.encode()))
        value = self.raw(path)
        shown = ANY if masked and isinstance(value, bytes) and value else self.shown_value(value)
        self.line(f"file {self.shown(path)}", f"{status.st_mode & 0o7777:o} {status.st_size}",
                  shown)
