#!/usr/bin/env python3
"""check_coroutines.py accepts every allowed form and refuses every other one."""

import pathlib
import tempfile
import unittest

import check_coroutines

ALLOWED = """
co_await operation;
co_await *operation;
const int rc = co_await operation;
int rc = co_await read(device, 4);
auto lock = co_await command.lu->lock_range(cdb.lba, cdb.blocks);
std::pair<int, int> both = co_await f();
const std::map<int, std::less<int>> m = co_await f();
rc = co_await lu().store->read(scratch(i, 1), lba + (a < b ? 1 : 2));
slots[i + 1].rc = co_await operation;
(*p).rc = co_await operation;
co_return co_await f();
co_return 5;
if (rc < 0) co_return rc;
if (rc == 0) rc = co_await f();
if (rc == 0) { rc = co_await f(); } else rc = co_await g();
while (rc > 0) rc = co_await f();
for (int i = 0; i < 3; ++i) co_await f();
for (auto& x : y) rc = co_await f(x);
do rc = co_await f(); while (rc > 0);
switch (k) { case 1: co_return co_await f(); case A::b: rc = co_await g(); default: co_await h(); }
rc = co_await f<int>(x);
rc = co_await ns::f<int, Pair<int, 2>>(x);
rc = co_await f("co_await g() + 1");
// if (co_await f() == 1) co_return 2;
/* g(co_await f()); */
auto text = R"(if (co_await f()) {})";
auto g = [&](int x) { return x + 1; };
int n = 1'000'000; rc = co_await f(n, 'c', '\\'');
[[maybe_unused]] const int rc = co_await operation;
call([] { return 1; }); rc = co_await f();
"""

REFUSED = """
if (co_await f() == 1) co_return 2;
if (co_await f()) g();
if (const int rc = co_await f(); rc < 0) co_return rc;
while (co_await f()) g();
for (int i = co_await f(); i > 0; --i) g();
for (auto x : co_await f()) g();
switch (co_await f()) { default: break; }
g(co_await f());
TRY(co_await f());
int rc = TRY(co_await f());
rc = 1 + co_await f();
rc = co_await f() + 1;
rc = co_await f() == 1;
rc = co_await f() < 1;
rc = co_await f() ? 1 : 2;
rc = x ? co_await f() : 0;
rc = x && co_await f();
rc += co_await f();
a = b = co_await f();
int a = 1, b = co_await f();
int a = co_await f(), b = 1;
int a{co_await f()};
int a(co_await f());
Pair p = {co_await f(), co_await g()};
Pair p = {1, co_await g()};
co_return 1 + co_await f();
co_return !co_await f();
co_return Pair{co_await f(), 1};
return co_await f();
static_cast<void>(co_await f());
(void)co_await f();
!co_await f();
auto [a, b] = co_await f();
const auto& [a, b] = co_await f();
rc = co_await f(Aggregate{1, 2});
rc = co_await f({1, 2});
rc = co_await f(std::string("x"));
rc = co_await f(std::make_unique<int>(1));
rc = co_await f([] { return 1; });
rc = co_await f(co_await g());
co_await f(), g();
co_yield 1;
auto g = [&]() -> Task<int> { co_return 1; };
auto g = [] { co_return 1; };
call([x](int a) mutable -> Task<int> { rc = co_await f(); });
return [](Device& d) -> runtime::Task<int> { const int rc = co_await d; co_return rc; }(device);
int x = [&]() noexcept -> Task<int> { if (a) { co_return 1; } }().get();
#define TRY(x) co_await x
"""


class Coroutines(unittest.TestCase):
    def body(self, line):
        # A directive has to start its line.
        return f"Task<int> f(Device& device) {{\n{line}\n}}\n"

    def test_allowed(self):
        for line in ALLOWED.strip().splitlines():
            with self.subTest(line):
                self.assertEqual(list(check_coroutines.findings_in(self.body(line))), [])

    def test_refused(self):
        for line in REFUSED.strip().splitlines():
            with self.subTest(line):
                found = list(check_coroutines.findings_in(self.body(line)))
                self.assertNotEqual(found, [])
                self.assertEqual({number for number, _ in found}, {2})

    def test_several_lines_are_one_statement(self):
        text = self.body("if (a) {\n  rc =\n      co_await f(a,\n                 b);\n}")
        self.assertEqual(list(check_coroutines.findings_in(text)), [])
        text = self.body("rc =\n    co_await f(a,\n               b) +\n    1;")
        self.assertEqual(len(list(check_coroutines.findings_in(text))), 1)

    def test_tree(self):
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            for name in ("src/scsi/a.cc", "tests/compile_fail/a.cc", "docs/a.cc"):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text("\n\nint x = g(co_await f());\n")
            found = list(check_coroutines.findings(root))
            self.assertEqual(len(found), 1, found)
            self.assertTrue(found[0].startswith("src/scsi/a.cc:3: "), found)


if __name__ == "__main__":
    unittest.main()
