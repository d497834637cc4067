"""Bytecode from words of text, for tests.

``name:`` is a JUMPDEST with a name, ``@name`` pushes its offset in two bytes, a number is pushed in
as few bytes as hold it, and everything else is a mnemonic (PUSHn takes the next word).
"""

from numen.evm.opcodes import BY_NAME


def assemble(text: str) -> bytes:
    code, places, uses = bytearray(), {}, []
    words = iter(text.split())
    for word in words:
        if word.endswith(":"):
            places[word[:-1]] = len(code)
            code.append(BY_NAME["JUMPDEST"].byte)
        elif word.startswith("@"):
            uses.append((len(code) + 1, word[1:]))
            code += bytes([BY_NAME["PUSH2"].byte, 0, 0])
        elif word[0].isdigit():
            value = int(word, 0)
            size = max(1, -(-value.bit_length() // 8))
            code += bytes([BY_NAME[f"PUSH{size}"].byte]) + value.to_bytes(size, "big")
        else:
            opcode = BY_NAME[word]
            code.append(opcode.byte)
            if opcode.immediate:
                code += int(next(words), 0).to_bytes(opcode.immediate, "big")
    for at, name in uses:
        code[at : at + 2] = places[name].to_bytes(2, "big")
    return bytes(code)
