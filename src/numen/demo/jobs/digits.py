# Which digit is this? A network of 64 pixels, 16 hidden units and 10 outputs, in integers.
from numen import i64, u8, u64

from digits_weights import HIDDEN, HIDDEN_BIAS, OUTPUT, OUTPUT_BIAS


def unit(weights: list[i64, N], bias: i64, inputs: list[i64, N]) -> i64:
    total = bias
    for i in range(N):
        total += weights[i] * inputs[i]
    return total


def main(image: list[u8, 64]) -> u64:
    pixels: list[i64, 64] = [0] * 64
    for i in range(64):
        assert image[i] <= 16, "a pixel is 0 to 16"
        pixels[i] = i64(image[i])
    hidden: list[i64, 16] = [0] * 16
    for h in range(16):
        hidden[h] = max(unit(HIDDEN[h], HIDDEN_BIAS[h], pixels), 0) >> 6
    best = unit(OUTPUT[0], OUTPUT_BIAS[0], hidden)
    digit: u64 = 0
    for d in range(1, 10):
        score = unit(OUTPUT[d], OUTPUT_BIAS[d], hidden)
        if score > best:
            best = score
            digit = d
    return digit
