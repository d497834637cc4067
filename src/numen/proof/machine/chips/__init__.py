"""The tables of the provable machine, their constraints, and the messages between them.

| bus | who sends | who receives | a message |
|---|---|---|---|
| program | cpu, one a step | program | pc, switches, a, b, c, t |
| memory | image, cpu: what a cell holds from a time on | cpu, image | address, 4 limbs, time |
| table | cpu, where `Switch.TABLE` is on | multiply, bitwise | function, A, B, C |
| word | whoever says that a number has 16 bits | pairs | the number |
| pair | whoever says that two numbers have 8 bits | pairs | both |
| and | bitwise | pairs | two bytes, and their conjunction |
| input | image, in the first segment | the statement | address, 4 limbs |
| output | image, in the last segment | the statement | address, 4 limbs |
"""
