#!/usr/bin/env python3
"""Holds coroutines to the subset that g++ 12.2 translates correctly (docs/coroutines.md).

- co_await is a whole statement, the whole initialiser of one named variable, the whole right side
  of one `=`, or follows co_return; never inside parentheses, braces or a macro.
- No lambda is a coroutine.
- No structured binding of an awaited result; nothing in the awaiting statement that looks like a
  temporary with a destructor: braces, lambdas, library classes that own something.

It reads tokens, not C++: what it cannot see (rule 2, copied awaitables) does not compile.

usage: check_coroutines.py [ROOT]
"""

import pathlib
import re
import sys

from sources import files

FOLDERS = ("src", "apps", "tests", "bench")
SAMPLES = ("tests", "compile_fail")  # wrong on purpose

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^(\s]*)\(.*?\)(?P=delimiter)")
  | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
  | (?P<number>\.?\d(?:'?[\w.]|[eEpP][+-])*)
  | (?P<character>(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
  | (?P<word>[A-Za-z_]\w*)
  | (?P<operator><=>|<<=|>>=|->\*|->|::|\+\+|--|&&|\|\||[-+*/%&|^!=<>]=|\[\[|\.\.\.|[^\s\w])
""", re.VERBOSE | re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE | re.DOTALL)

KEYWORDS = {"co_await", "co_return", "co_yield"}
HEADERS = {"if", "for", "while", "switch", "constexpr"}
OWNERS = {"string", "to_string", "vector", "function", "unique_ptr", "make_unique", "shared_ptr",
          "make_shared", "lock_guard", "unique_lock", "scoped_lock", "format", "any"}
CLOSERS = {")": "(", "]": "[", "}": "{"}
OPENERS = {"(": ")", "[": "]", "{": "}"}


class Token:
    def __init__(self, text, line, kind):
        self.text, self.line, self.kind = text, line, kind


def tokens_of(text):
    """The tokens of a source text without comments; directives are left out."""
    text = DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    out, line, last = [], 1, 0
    for match in TOKEN.finditer(text):
        line += text.count("\n", last, match.start())
        last = match.start()
        if match.lastgroup == "comment":
            continue
        kind = "string" if match.group("raw") else match.lastgroup
        if match.group() == "[[":
            out += [Token("[", line, kind), Token("[", line, kind)]
        else:
            out.append(Token(match.group(), line, kind))
    return out


def matching(tokens, index, step):
    """The index of the bracket that belongs to the one at `index`; None when there is none."""
    depth = 0
    while 0 <= index < len(tokens):
        text = tokens[index].text
        if text in OPENERS:
            depth += step
        elif text in CLOSERS:
            depth -= step
        if depth == 0:
            return index
        index += step
    return None


def statement_start(tokens, index):
    """The index of the first token of the statement around `index`; None inside parentheses."""
    at = index - 1
    while at >= 0:
        text = tokens[at].text
        if text in (";", "{", "}", "else", "do"):
            return at + 1
        if text in ("(", "["):
            return None
        if text == ":":
            # A label, unless it belongs to a conditional expression.
            before = at - 1
            while before >= 0 and tokens[before].text not in (";", "{", "}", "?"):
                before -= 1
            if before < 0 or tokens[before].text != "?":
                return at + 1
        if text in (")", "]"):
            opening = matching(tokens, at, -1)
            if opening is None:
                return None
            if text == ")" and opening > 0 and tokens[opening - 1].text in HEADERS:
                return at + 1
            at = opening
        at -= 1
    return 0


def wrong_before(before):
    """Why what stands before co_await in its statement is not allowed, or None."""
    texts = [token.text for token in before]
    if not texts or texts == ["co_return"]:
        return None
    if texts[-1] != "=" or texts.count("=") != 1 or "co_return" in texts:
        return "co_await is part of a larger expression"
    if any(text in ("?", "&&", "||", "==", "!=", "+=", "-=") for text in texts):
        return "co_await is part of a larger expression"
    if "auto" in texts:
        rest = [text for text in texts[texts.index("auto") + 1:] if text not in ("&", "&&")]
        if rest[:1] == ["["]:
            return "structured binding of an awaited result"
    depth = 0
    for text in texts:
        depth += text in ("(", "[", "<")
        depth -= text in (")", "]", ">")
        if text == "," and depth == 0:
            return "co_await initialises one of several variables"
    return None


def template_arguments(tokens, index):
    """The index behind `<...>` when the `<` at `index` opens template arguments, else None."""
    depth = 0
    for at in range(index, min(index + 40, len(tokens))):
        text = tokens[at].text
        depth += (text == "<") - (text == ">")
        if depth == 0:
            behind = tokens[at + 1].text if at + 1 < len(tokens) else ""
            return at + 1 if behind in ("(", "::") else None
        if text in (";", "{", "}", "&&", "||"):
            return None
    return None


def wrong_operand(tokens, index):
    """Why what follows the co_await at `index` is not allowed, or None."""
    at = index + 1
    while at < len(tokens) and tokens[at].text in ("*", "&"):
        at += 1
    first = at
    while at < len(tokens):
        text = tokens[at].text
        if text == ";":
            break
        if text == "<":
            behind = template_arguments(tokens, at)
            if behind is None:
                return "co_await is part of a larger expression"
            at = behind
        elif text in ("(", "["):
            closing = matching(tokens, at, 1)
            if closing is None:
                return "brackets that do not match"
            at = closing + 1
        elif tokens[at].kind == "word" or text in (".", "->", "::"):
            at += 1
        elif text in (")", "}", ","):
            return "co_await inside parentheses or braces"
        elif text == "{":
            return "a temporary in an awaiting statement"
        else:
            return "co_await is part of a larger expression"
    return wrong_arguments(tokens[first:at])


def wrong_arguments(operand):
    for position, token in enumerate(operand):
        if token.text == "{":
            return "a temporary in an awaiting statement"
        if token.text == "co_await":
            return "co_await inside parentheses or braces"
        if token.text in OWNERS and position > 0 and operand[position - 1].text == "::":
            return f"a temporary {token.text} in an awaiting statement"
    return None


def wrong_await(tokens, index):
    start = statement_start(tokens, index)
    if start is None:
        return "co_await inside parentheses or braces"
    return wrong_before(tokens[start:index]) or wrong_operand(tokens, index)


def lambda_bodies(tokens):
    """(index of the body's `{`, index of its `}`) of every lambda."""
    for index, token in enumerate(tokens):
        if token.text != "[":
            continue
        before = tokens[index - 1] if index > 0 else None
        if before is not None and (before.text in (")", "]", "[") or before.kind == "string" or (
                before.kind == "word" and before.text not in ("return", "co_return", "co_await"))):
            continue  # a subscript, or the inner bracket of an attribute
        at = matching(tokens, index, 1)
        at = at + 1 if at is not None else len(tokens)
        if tokens[index + 1:index + 2] and tokens[index + 1].text == "[":
            continue  # an attribute
        if at < len(tokens) and tokens[at].text == "(":
            closing = matching(tokens, at, 1)
            at = closing + 1 if closing is not None else len(tokens)
        # Specifiers and the type of the result.
        while at < len(tokens) and (tokens[at].kind == "word" or
                                    tokens[at].text in ("->", "::", "<", ">", "*", "&", ",")):
            at += 1
        if at < len(tokens) and tokens[at].text == "{":
            closing = matching(tokens, at, 1)
            if closing is not None:
                yield at, closing


def findings_in(text):
    """(line, what) for each violation."""
    for match in DIRECTIVE.finditer(text):
        if KEYWORDS & set(re.findall(r"\w+", re.sub(r"//.*", "", match.group()))):
            yield text.count("\n", 0, match.start()) + 1, "a macro hides a coroutine keyword"
    tokens = tokens_of(text)
    for opening, closing in lambda_bodies(tokens):
        for token in tokens[opening:closing]:
            if token.text in KEYWORDS:
                yield token.line, "a lambda is a coroutine"
                break
    for index, token in enumerate(tokens):
        if token.text == "co_yield":
            yield token.line, "co_yield: there are no generators here"
        elif token.text == "co_await":
            why = wrong_await(tokens, index)
            if why:
                yield token.line, why


def findings(root):
    root = pathlib.Path(root)
    for path in files(root, {".h", ".cc"}):
        relative = path.relative_to(root)
        if relative.parts[0] not in FOLDERS or relative.parts[:2] == SAMPLES:
            continue
        text = path.read_text()
        if any(keyword in text for keyword in KEYWORDS):
            for line, what in findings_in(text):
                yield f"{relative}:{line}: {what} (docs/coroutines.md)"


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]
    found = list(findings(root))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
