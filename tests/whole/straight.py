"""Random straight-line programs of bit operations and wrapping sums: what circuits optimise."""

import random

from numen.ir.types import FIELD_ORDER, WORDS

NARROW = ("u8", "u16", "u32", "u64", "i64", "u128", "i128")
WIDE = ("u256", "i256")

FORMS = (
    "A & B", "A | B", "A ^ B", "~A", "(A & B) ^ (~A & C)", "(A & B) | (~A & C)",
    "(A & B) ^ (A & C) ^ (B & C)", "(A & B) | (C & (A | B))", "C ^ (A & (B ^ C))",
    "wrapping_add(A, B)", "wrapping_sub(A, B)", "wrapping_mul(A, B)",
    "wrapping_add(wrapping_add(A, B), C)", "wrapping_sub(A, wrapping_add(B, C))",
    "A << S", "A >> S", "A >> (B & 7)", "A << (B & 7)", "T.wrapping(O)", "T(P)", "A if P else B",
    "A % 3", "A % 100", "A // 7", "A // 16", "A // (B | 1)", "A % (B | 1)", "min(A, B)",
    "(A & 7) * (B & 15)", "(A & 7) - (B & 3) + 3", "[A, B, C][u64.wrapping(B) % 3]",
)  # fmt: skip
TRUTHS = (
    "A < B", "A == B", "A <= B", "P & Q", "P | Q", "P ^ Q", "not P", "F == G",
    "A % 3 == 1", "A & 1 == 1",
)  # fmt: skip
ELEMENTS = ("F * G", "F + G", "F - G", "felt(A)", "felt(P)", "-F", f"F * felt({FIELD_ORDER - 1})")


def write(r: random.Random) -> tuple[str, list[int]]:
    """A program that never traps, or seldom, and arguments for it."""
    of, other = r.sample(NARROW, 2) if r.random() < 0.75 else (r.choice(WIDE), r.choice(NARROW))
    params = [("a", of), ("b", of), ("c", other), ("d", other), ("p", "bool"), ("f", "felt")]
    names = {word: [name for name, each in params if each == word] for _, word in params}
    lines = []
    for index in range(r.randrange(3, 14)):
        word = r.choice([of, of, of, other, other, "bool", "felt"])
        forms = {"bool": TRUTHS, "felt": ELEMENTS}.get(word, FORMS)
        main = word if word in (of, other) else r.choice([of, other])
        beside = other if main == of else of
        lines.append(f"    v{index}: {word} = {_filled(r.choice(forms), main, beside, names, r)}\n")
        if r.random() < 0.15:
            lines.append(f"    if {_pick('bool', names, r)}:\n")
            lines.append(f"        v{index} = {_pick(word, names, r)}\n")
        names[word].append(f"v{index}")
    head = ", ".join(f"{name}: {word}" for name, word in params)
    outs = ", ".join(name[-1] for name in names.values())
    source = f"def main({head}) -> tuple[{', '.join(names)}]:\n{''.join(lines)}    return {outs}\n"
    return source, [_argument(word, r) for _, word in params]


def _filled(
    form: str, word: str, beside: str, names: dict[str, list[str]], r: random.Random
) -> str:
    found = ""
    for letter in form:
        match letter:
            case "A" | "B" | "C":
                found += _pick(word, names, r)
            case "O":
                found += _pick(beside, names, r)
            case "P" | "Q":
                found += _pick("bool", names, r)
            case "F" | "G":
                found += _pick("felt", names, r)
            case "S":
                found += str(r.randrange(WORDS[word].bits))
            case "T":
                found += word
            case _:
                found += letter
    return found


def _pick(word: str, names: dict[str, list[str]], r: random.Random) -> str:
    if word != "bool" and r.random() < 0.12:
        return f"{word}({_argument(word, r)})"
    return r.choice(names[word][-5:])


def _argument(name: str, r: random.Random) -> int:
    word = WORDS[name]
    near = r.choice([word.low, word.high, 0, 1, 2, 7, word.high >> 1])
    return near if near in word and r.random() < 0.6 else r.randint(word.low, word.high)
