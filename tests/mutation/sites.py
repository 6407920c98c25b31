# SPDX-License-Identifier: Apache-2.0
"""Where a source can be mutated: its tokens, and the one-token changes of each.

A site is one token and one other (or none) that replaces it; a token has as many as it has
replacements. What is never mutated, and why:
  comments, strings, characters    text, not behaviour
  #include, #pragma, #line, #error what is compiled, hints to the compiler, text
  #define X n right after #ifndef X, defaults of tunables that the host overrides by -D
  what a fail() or cl_fail() says  the text of an error; the status before it is mutated
  char name[n], NAME_BYTES = n and NAME_CAPACITY = n, n >= 16
                                   a text buffer one byte longer is still long enough
  prefetches, prefer_large_pages   hints; no value depends on them
  CHOICES                          which of several strategies runs, all of which give the right result
  numbers >= 8 of TUNABLES         how work is cut: sizes of pieces, any of which gives the right result
  numbers that mem_alloc is given  only downward: more memory is still enough
"""
import re
from collections import namedtuple

Token = namedtuple("Token", "kind text start end")
Site = namedtuple("Site", "file start end before after operator")

TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<operator><<=|>>=|\.\.\.|->|\+\+|--|&&|\|\||[-+*/%<>=!&|^]=|<<|>>|\#\#|[-+*/%<>=!&|^~?:;,.(){}\[\]\#])
  | (?P<newline>\n)
  | (?P<space>(?:\\\n|[ \t\f\r])+)
""", re.VERBOSE | re.DOTALL)

SKIPPED_DIRECTIVES = {"include", "pragma", "line", "error", "warning"}
TYPE_NAME = re.compile(r"(?:.*_t|.*_args|u?(?:char|short|int|long)\d*|v?(?:float|u?int|long)\d*|"
                       r"double|void|bool|const|restrict|volatile|cl_\w+|FILE|cJSON|minrnn_\w+)$")
ERROR_CALLS = {"fail", "cl_fail", "complain", "cl_code_name"}
HINTS = re.compile(r"PREFETCH$|__builtin_prefetch$|\w*_prefetch$|prefer_large_pages$")
TEXT_SIZES = re.compile(r"\w+_(BYTES|CAPACITY)$")
LEAST_TUNABLE = 8

# Functions whose one result is which strategy runs: checkop runs every strategy at every shape.
CHOICES = {
    "src/cpu/ops.h": ["threads_repay"],
    "src/opencl/scan_plan.c": ["fastest_run"],
}

# Functions and enum constants that say how large a piece of work is. Small numbers in them (0, 1, a
# rounding, a count of registers) are mutated all the same.
TUNABLES = {
    "src/cpu/embed.c": ["COLUMNS"],
    "src/cpu/gemm.c": ["cut", "plan_gemm"],
    "src/cpu/ops.h": ["ELEMENT_BLOCK", "sum_block"],
    "src/cpu/reduce.c": ["COLUMNS"],
    "src/cpu/scan/kind.h": ["SCAN_PANEL"],
    "src/cpu/scan/run.c": ["scan_panel", "scan_plan"],
    "src/opencl/conv.c": ["cut_of", "forward_cut", "backward_cut"],
    "src/opencl/gemm_group.c": ["MOST_STEPS"],
    "src/opencl/plan.c": ["plan_items", "plan_flat", "plan_rows", "plan_columns",
                          "plan_block_rows"],
    "src/opencl/plan.h": ["PLAN_MOST_STEPS"],
    "src/opencl/reduce.c": ["sum_run"],
    "src/opencl/scan_plan.c": ["MAX_ITERATIONS"],
}

# Each operator's replacements, without those that are equivalent as a rule: != for < in a loop, <= for
# == if nothing is negative.
SWAPS = {
    "+": ["-", "*", "/"], "-": ["+", "*", "/"], "*": ["+", "-", "/"], "/": ["+", "-", "*"],
    "%": ["*", "/", "+"],
    "<": ["<=", ">=", ">", "=="], "<=": ["<", ">", ">=", "=="],
    ">": [">=", "<=", "<", "=="], ">=": [">", "<", "<=", "=="],
    "==": ["!=", "<", ">"], "!=": ["=="],
    "&&": ["||"], "||": ["&&"], "++": ["--"], "--": ["++"],
    "+=": ["-=", "="], "-=": ["+=", "="], "*=": ["/=", "="], "/=": ["*=", "="],
    "<<": [">>"], ">>": ["<<"], "&": ["|", "^"], "|": ["&"], "^": ["|", "&"],
    "|=": ["&=", "="], "&=": ["|=", "="],
}
NAME_SWAPS = {"true": "false", "false": "true", "min": "max", "max": "min", "fmin": "fmax",
              "fmax": "fmin", "fminf": "fmaxf", "fmaxf": "fminf", "min_i64": "max_i64",
              "max_i64": "min_i64"}


def tokenize(text):
    """All tokens, spaces and comments left out; a directive's line ends with a newline token."""
    tokens, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise ValueError(f"no token at {text[at:at + 20]!r}")
        kind = match.lastgroup
        if kind not in ("comment", "space"):
            tokens.append(Token(kind, match.group(), match.start(), match.end()))
        at = match.end()
    return tokens


def closing(tokens, opening):
    """The index of the token that closes the bracket at `opening`."""
    depth = 0
    for i in range(opening, len(tokens)):
        if tokens[i].text in ("(", "[", "{"):
            depth += 1
        elif tokens[i].text in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                return i
    return len(tokens) - 1


def arguments(tokens, opening):
    """Of a call whose bracket is at `opening`: (first, last) token indices of each argument."""
    end, found, first, depth = closing(tokens, opening), [], opening + 1, 0
    for i in range(opening + 1, end + 1):
        if tokens[i].text in ("(", "[", "{"):
            depth += 1
        elif i < end and tokens[i].text in (")", "]", "}"):
            depth -= 1
        elif i == end or (depth == 0 and tokens[i].text == ","):
            found.append((first, i - 1))
            first = i + 1
    return found


def directive_end(tokens, start):
    while start < len(tokens) and tokens[start].kind != "newline":
        start += 1
    return start


def is_large(token):
    match = re.fullmatch(r"(\d+)[uUlL]*", token.text)
    return bool(match) and int(match.group(1)) >= LEAST_TUNABLE


def definition(tokens, i):
    """(first, last) token of what the name at i defines: a function's body or an enum's value."""
    following = tokens[i + 1].text if i + 1 < len(tokens) else ""
    if following == "=":
        end = i + 2
        while end < len(tokens) and tokens[end].text not in (",", "}", ";"):
            end += 1
        return i + 2, end - 1
    if following == "(":
        end = closing(tokens, i + 1)
        while end + 1 < len(tokens) and tokens[end + 1].kind == "newline":
            end += 1
        if end + 1 < len(tokens) and tokens[end + 1].text == "{":
            return end + 1, closing(tokens, end + 1)
    return i, i - 1


def planning(file, tokens, i):
    """Indices of a definition's tokens that only choose or size pieces of work (see above)."""
    first, last = definition(tokens, i)
    inside = range(first, last + 1)
    if tokens[i].text in CHOICES.get(file, ()):
        return set(inside)
    tunable = tokens[i].text in TUNABLES.get(file, ())
    if TEXT_SIZES.match(tokens[i].text) and tokens[i + 1].text == "=":
        tunable = all(is_large(tokens[k]) for k in inside)
    return {k for k in inside if tunable and is_large(tokens[k])}


def excluded(file, tokens):
    """Indices of the tokens that no mutation touches (see above)."""
    out = set()
    for i, token in enumerate(tokens):
        following = tokens[i + 1].text if i + 1 < len(tokens) else ""
        line_start = i == 0 or tokens[i - 1].kind == "newline"
        if token.text == "#" and line_start:
            end = directive_end(tokens, i)
            if following in SKIPPED_DIRECTIVES or following in ("ifdef", "ifndef", "undef"):
                out.update(range(i, end))
            if following == "ifndef":
                define = tokens[end + 1:end + 4]
                if [t.text for t in define] == ["#", "define", tokens[i + 2].text]:
                    out.update(range(end, directive_end(tokens, end + 1)))
            if following == "define":
                out.update(range(i, i + 3))
        elif token.text in ERROR_CALLS and following == "(":
            first = arguments(tokens, i + 1)[0]
            out.update(range(first[1] + 1, closing(tokens, i + 1)))
        elif token.text == "char" and following and i + 3 < len(tokens):
            if tokens[i + 2].text == "[" and tokens[i + 3].kind == "number":
                if int(tokens[i + 3].text, 0) >= 16:
                    out.add(i + 3)
        elif token.kind == "name" and HINTS.match(token.text) and following == "(":
            end = closing(tokens, i + 1)
            out.update(range(i, max(end, definition(tokens, i)[1]) + 1))
        elif token.kind == "name":
            out |= planning(file, tokens, i)
    return out


def is_binary(tokens, i):
    before = tokens[i - 1] if i else None
    if before is None or before.kind == "newline":
        return False
    if before.kind in ("number", "string"):
        return True
    if before.kind == "name":
        tagged = i > 1 and tokens[i - 2].text in ("struct", "enum", "union")
        return not (tagged or before.text in ("return", "case", "sizeof") or TYPE_NAME.match(before.text))
    if before.text != ")":
        return before.text == "]"
    # After a bracket: a cast, whose content is a type, or an operand.
    opening, depth = i - 1, 0
    while opening >= 0:
        depth += {")": 1, "(": -1}.get(tokens[opening].text, 0)
        if depth == 0:
            break
        opening -= 1
    inside = tokens[opening + 1:i - 1]
    is_cast = inside and all(t.kind == "name" or t.text == "*" for t in inside) and any(
        TYPE_NAME.match(t.text) or t.text == "struct" for t in inside)
    called = opening > 0 and tokens[opening - 1].kind == "name"
    return called or not is_cast


def near_numbers(text):
    """n + 1, n - 1 and 0 in the same spelling, as far as they differ; none for no plain number."""
    match = re.fullmatch(r"(0[xX])([0-9a-fA-F]+)([uUlL]*)", text)
    if match:
        prefix, value, suffix = match.group(1), int(match.group(2), 16), match.group(3)
        spell = "{:x}".format
    else:
        match = re.fullmatch(r"(\d+)((?:\.\d*)?(?:[eE][-+]?\d+)?[fFlLuU]*)", text)
        if not match:
            return []
        prefix, value, suffix = "", int(match.group(1)), match.group(2)
        spell = str
    near = [n for n in dict.fromkeys([value + 1, value - 1, 0]) if n >= 0 and n != value]
    return [f"{prefix}{spell(n)}{suffix}" for n in near]


def changes(tokens, i):
    """(after, operator) of every one-token change of token i."""
    token = tokens[i]
    following = tokens[i + 1].text if i + 1 < len(tokens) else ""
    if token.kind == "number":
        return [(after, "constant") for after in near_numbers(token.text)]
    if token.kind == "name":
        after = NAME_SWAPS.get(token.text)
        return [(after, "name")] if after else []
    if token.kind != "operator":
        return []
    if token.text == "!":
        return [("", "drop !")]
    if token.text in ("+", "-", "*", "&") and not is_binary(tokens, i):
        return [("", "drop -")] if token.text == "-" else []
    if token.text == "*" and (following in ("*", "restrict", "const", ")", ",")):
        return [] # of a type
    return [(after, f"swap {token.text}") for after in SWAPS.get(token.text, [])]


KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "defined", "struct"}


def argument_swaps(tokens, skip):
    """An argument that is one name becomes its right neighbour, if that is one name too."""
    for i in range(1, len(tokens)):
        if tokens[i].text != "(" or tokens[i - 1].kind != "name" or i - 1 in skip:
            continue
        if tokens[i - 1].text in KEYWORDS or (i > 1 and tokens[i - 2].text == "define"):
            continue
        if i > 1 and tokens[i - 2].kind == "name" and tokens[i - 2].text != "return":
            continue # a declaration
        places = arguments(tokens, i)
        for (first, last), (after, after_last) in zip(places, places[1:]):
            if first == last and after == after_last and first not in skip and after not in skip:
                if tokens[first].kind == tokens[after].kind == "name":
                    if tokens[first].text != tokens[after].text:
                        yield first, tokens[after].text


def sizes_allocated(tokens):
    """Indices of the numbers in mem_alloc's arguments."""
    return {k for i, token in enumerate(tokens[:-1])
            if token.text == "mem_alloc" and tokens[i + 1].text == "("
            for k in range(i + 2, closing(tokens, i + 1)) if tokens[k].kind == "number"}


def sites_of(file, text):
    """Every site of a file, in its order."""
    tokens = tokenize(text)
    skip, sizes = excluded(file, tokens), sizes_allocated(tokens)
    found = []
    # Newlines matter to directives alone; brackets may span them.
    for i, token in enumerate(tokens):
        if i not in skip:
            for after, operator in changes(tokens, i):
                if i not in sizes or int(after, 0) < int(token.text, 0):
                    found.append(Site(file, token.start, token.end, token.text, after, operator))
    lasting = [(i, t) for i, t in enumerate(tokens) if t.kind != "newline"]
    bare, bare_skip = [t for _, t in lasting], {k for k, (i, _) in enumerate(lasting) if i in skip}
    for i, after in argument_swaps(bare, bare_skip):
        token = bare[i]
        found.append(Site(file, token.start, token.end, token.text, after, "argument"))
    return sorted(found, key=lambda site: (site.start, site.operator))


def apply(text, site):
    """A removed operator leaves a space, so that its neighbours stay two tokens."""
    return text[:site.start] + (site.after or " ") + text[site.end:]


def line_of(text, position):
    return text.count("\n", 0, position) + 1
