"""The tables of the provable machine, their constraints, and the messages between them.

| bus | who sends | who receives | a message |
|---|---|---|---|
| program | cpu, one a step | program | pc, switches, a, b, c, t |
| memory | image, cpu, calls: what a cell holds from a time on | the same | address, 4 limbs, time |
| table | cpu, where `Switch.TABLE` is on | multiply, bitwise, calls | function, step, A, B, C |
| word | whoever says that a number has 16 bits | pairs | the number |
| pair | whoever says that two numbers have 8 bits | pairs | both |
| and | bitwise | pairs | two bytes, and their conjunction |
| sha256 | calls, `sha256` | `sha256` | step, round, 8 words and 16 words |
| sha256 done | `sha256`, the last round of a call | calls | step, 8 words |
| input | image, in the first segment | the statement | address, 4 limbs |
| output | image, in the last segment | the statement | address, 4 limbs |

"Calls" are the tables of the memory of precompiles (`calls.py`), one for each.
"""
