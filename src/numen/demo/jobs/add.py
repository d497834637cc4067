# The article's example: one constraint, whatever the numbers are.
def main(a, b):
    return a + b
