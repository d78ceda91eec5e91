#!/usr/bin/env python3
"""The style tests can fail: each finding is provoked in a scratch tree."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import check_layers
import tidy

LAYERS = """layer(base LINKS fmt::fmt)
layer(runtime DEPENDS base)
layer(transport DEPENDS runtime base)
layer(store DEPENDS runtime base)
layer(scsi DEPENDS store base)
layer(control DEPENDS scsi store transport base)
"""


class Tree(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        self.write("CMakeLists.txt", LAYERS)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def one(self, findings, expected):
        found = list(findings(self.root))
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def none(self, findings):
        self.assertEqual(list(findings(self.root)), [])


class Layers(Tree):
    def test_declared_and_own_layer_pass(self):
        self.write("src/scsi/a.cc", '#include "scsi/a.h"\n#include "store/backstore.h"\n'
                                    "#include <vector>\n#include <fmt/core.h>\n")
        self.none(check_layers.findings)

    def test_upwards_include_is_found(self):
        self.write("src/base/a.h", '#include "scsi/lu.h"\n')
        self.one(check_layers.findings, "src/base/a.h:1: base does not depend on scsi")

    def test_what_a_dependency_depends_on_is_not_included(self):
        self.write("src/scsi/a.cc", '\n#include "runtime/loop.h"\n')
        self.one(check_layers.findings, "src/scsi/a.cc:2: scsi does not depend on runtime")

    def test_behind_a_seam_nobody_looks(self):
        self.write("src/scsi/a.cc", '#include "store/ramdisk.h"\n')
        self.one(check_layers.findings,
                 "scsi sees only store/backstore.h, store/pass_through.h of store")

    def test_control_builds_the_concrete_things(self):
        self.write("src/control/a.cc", '#include "store/registry.h"\n')
        self.none(check_layers.findings)

    def test_implementations_do_not_see_each_other(self):
        self.write("src/transport/iwarp/a.cc", '#include "transport/local/b.h"\n')
        self.one(check_layers.findings, "transport/iwarp does not see transport/local")

    def test_unknown_folder_is_found(self):
        self.write("src/misc/a.cc", "\n")
        self.one(check_layers.findings, "misc is no layer")


class Tidy(Tree):
    def test_clean_tree_passes(self):
        self.write("src/base/a.h", "// A.\n#pragma once\n")
        self.write("README.md", "[a](src/base/a.h) [web](https://example.org/x)\n")
        self.none(tidy.findings)

    def check(self, name, text, expected):
        self.write(name, text)
        self.one(tidy.findings, expected)

    def test_long_line(self):
        self.check("src/base/a.cc", "// " + "a" * 98 + "\n", "a.cc:1: 101 columns")

    def test_long_file(self):
        self.check("src/base/a.cc", "//\n" * 801, "801 lines")

    def test_leftovers(self):
        for leftover in ("TO" + "DO", "FIX" + "ME", "XX" + "X"):
            self.check("src/base/a.cc", f"// {leftover}: later\n", "leftover marker")
        self.check("src/base/a.cc", "// not imple" + "mented\n", "unfinished")
        self.check("src/base/a.cc", "#if 0\n", "dead code")

    def test_conflict(self):
        self.check("src/base/a.cc", "<" * 7 + " HEAD\n", "merge conflict")

    def test_debug_print(self):
        self.check("src/base/a.cc", 'std::cerr << "here";\n', "prints to the terminal")
        self.check("src/base/a.cc", '  printf("here");\n', "prints to the terminal")

    def test_formatting_into_memory_is_no_print(self):
        self.write("src/base/a.cc", "std::snprintf(text, sizeof text, format);\n")
        self.none(tidy.findings)

    def test_machine_path(self):
        self.check("tests/a.py", "path = '/home" + "/me/x'\n", "developer's machine")

    def test_white_space(self):
        self.check("src/base/a.cc", "int a; \n", "white space")
        self.check("src/base/a.cc", "\tint a;\n", "a tab")
        self.check("src/base/a.cc", "int a;", "no newline")

    def test_header_guard(self):
        self.check("src/base/a.h", "// A.\n", "no #pragma once")

    def test_dead_link(self):
        self.check("docs/a.md", "[a](missing.md)\n", "leads nowhere")

    def test_script_without_suffix_is_code(self):
        self.check("check", "#!/usr/bin/env bash\n# " + "a" * 99 + "\n", "101 columns")

    def test_command_without_test(self):
        self.write("src/scsi/command_table.cc", "    &read_10_spec,\n    &verify_16_spec,\n")
        self.write("tests/conformance/read_range_test.cc", "\n")
        self.one(tidy.findings, "verify_16 has no tests/conformance/verify_*_test.cc")

    def test_command_whose_name_begins_another(self):
        self.write("src/scsi/command_table.cc", "    read_10_spec,\n    read_capacity_16_spec,\n")
        self.write("tests/conformance/read_capacity_test.cc", "\n")
        self.one(tidy.findings, "read_10 has no tests/conformance/read_*_test.cc")

    def test_command_table_that_cannot_be_read(self):
        self.check("src/scsi/command_table.cc", "int table[3];\n", "no row of the form")


@unittest.skipIf(shutil.which("clang-format-19") is None, "clang-format-19 is not installed")
class Format(Tree):
    def run_on_tree(self):
        script = pathlib.Path(__file__).with_name("check_format.py")
        return subprocess.run([sys.executable, script, self.root], capture_output=True).returncode

    def test_both_ways(self):
        self.write(".clang-format", "BasedOnStyle: Google\n")
        self.write("src/base/a.cc", "int a;\n")
        self.assertEqual(self.run_on_tree(), 0)
        self.write("src/base/a.cc", "int    a ;\n")
        self.assertEqual(self.run_on_tree(), 1)

    def test_empty_tree_fails(self):
        self.assertEqual(self.run_on_tree(), 1)


if __name__ == "__main__":
    unittest.main()
