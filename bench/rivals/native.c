/* The programs of bench/programs in C: the same algorithms on the same inputs. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;
typedef unsigned __int128 u128;
typedef __int128 i128;

u64 fib(u64 n) {
    u64 a = 0, b = 1;
    for (u64 i = 0; i < n; i++) {
        u64 sum = a + b;
        a = b;
        b = sum;
    }
    return a;
}

u64 fib_checked(u64 rounds) {
    u64 total = 0;
    for (u64 r = 0; r < rounds; r++) {
        u64 a = r & 1, b = 1;
        for (int i = 0; i < 90; i++) {
            u64 sum = a + b;
            a = b;
            b = sum;
        }
        total = (total + a) & 0xFFFFFFFF;
    }
    return total;
}

#define MATRIX 128
static u64 ma[MATRIX * MATRIX], mb[MATRIX * MATRIX], mc[MATRIX * MATRIX];

static u64 multiply(void) {
    for (u64 i = 0; i < MATRIX; i++)
        for (u64 j = 0; j < MATRIX; j++) {
            u64 total = 0;
            for (u64 k = 0; k < MATRIX; k++)
                total += ma[MATRIX * i + k] * mb[MATRIX * k + j];
            mc[MATRIX * i + j] = total;
        }
    u64 checksum = 0;
    for (u64 i = 0; i < MATRIX * MATRIX; i++) checksum += mc[i];
    return checksum;
}

static void fill(u64 *matrix, u64 state) {
    for (u64 i = 0; i < MATRIX * MATRIX; i++) {
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF;
        matrix[i] = state >> 16;
    }
}

u64 matrix(u64 seed) {
    fill(ma, seed);
    fill(mb, seed + 1);
    return multiply();
}

static void fill_wrapping(u64 *matrix, u64 state) {
    for (u64 i = 0; i < MATRIX * MATRIX; i++)
        matrix[i] = state = state * 6364136223846793005u + 1442695040888963407u;
}

u64 matrix_wrapping(u64 seed) {
    fill_wrapping(ma, seed);
    fill_wrapping(mb, seed + 1);
    return multiply();
}

static u64 power64(u64 base, u64 exponent, u64 modulus) {
    u64 result = 1 % modulus, square = base % modulus;
    while (exponent) {
        if (exponent & 1) result = (u128)result * square % modulus;
        square = (u128)square * square % modulus;
        exponent >>= 1;
    }
    return result;
}

u64 modexp64(u64 base, u64 exponent, u64 modulus, u64 rounds) {
    for (u64 i = 0; i < rounds; i++) base = power64(base, exponent, modulus);
    return base;
}

/* (a * b) % m of four limbs each, the top limb of m not zero: Knuth's algorithm D. */
static void mul_mod(u64 *out, const u64 *a, const u64 *b, const u64 *m) {
    u64 p[9] = {0}, v[4];
    for (int i = 0; i < 4; i++) {
        u64 carry = 0;
        for (int j = 0; j < 4; j++) {
            u128 t = (u128)a[i] * b[j] + p[i + j] + carry;
            p[i + j] = (u64)t;
            carry = (u64)(t >> 64);
        }
        p[i + 4] = carry;
    }
    int s = __builtin_clzll(m[3]);
    for (int i = 3; i >= 0; i--) v[i] = s ? m[i] << s | (i ? m[i - 1] >> (64 - s) : 0) : m[i];
    for (int i = 8; i >= 0; i--) p[i] = s ? p[i] << s | (i ? p[i - 1] >> (64 - s) : 0) : p[i];
    for (int j = 4; j >= 0; j--) {
        u128 top = (u128)p[j + 4] << 64 | p[j + 3], q = top / v[3], r = top % v[3];
        while (q >> 64 || (u64)q * (u128)v[2] > (r << 64 | p[j + 2])) {
            q--;
            r += v[3];
            if (r >> 64) break;
        }
        u64 borrow = 0, carry = 0;
        for (int i = 0; i < 4; i++) {
            u128 t = (u64)q * (u128)v[i] + carry;
            carry = (u64)(t >> 64);
            u128 d = (u128)p[i + j] - (u64)t - borrow;
            p[i + j] = (u64)d;
            borrow = (u64)(d >> 64) & 1;
        }
        u128 d = (u128)p[j + 4] - carry - borrow;
        p[j + 4] = (u64)d;
        if ((u64)(d >> 64)) {
            carry = 0;
            for (int i = 0; i < 4; i++) {
                u128 t = (u128)p[i + j] + v[i] + carry;
                p[i + j] = (u64)t;
                carry = (u64)(t >> 64);
            }
            p[j + 4] += carry;
        }
    }
    for (int i = 0; i < 4; i++) out[i] = s ? p[i] >> s | p[i + 1] << (64 - s) : p[i];
}

/* base and exponent below modulus, which has all four limbs; the result replaces base. */
void modexp256(u64 *base, const u64 *exponent, const u64 *modulus, u64 rounds) {
    for (u64 round = 0; round < rounds; round++) {
        u64 result[4] = {1, 0, 0, 0}, left[4];
        memcpy(left, exponent, sizeof left);
        while (left[0] | left[1] | left[2] | left[3]) {
            if (left[0] & 1) mul_mod(result, result, base, modulus);
            mul_mod(base, base, base, modulus);
            for (int i = 0; i < 4; i++) left[i] = left[i] >> 1 | (i < 3 ? left[i + 1] << 63 : 0);
        }
        memcpy(base, result, sizeof result);
    }
}

#define BODIES 5
static const i64 X[] = {0, 20790601637, 35823131862, 55350443735, 66061284062};
static const i64 Y[] = {0, -4983168302, 17717155838, -64898230411, -111358420104};
static const i64 Z[] = {0, -444864871, -1732790108, -958904364, 769637399};
static const i64 VX[] = {-16573, 7130037, -11887337, 12730906, 11512563};
static const i64 VY[] = {-10872, 33074133, 21453396, 10211441, 6995204};
static const i64 VZ[] = {338, -296559, 99027, -127402, -408675};
static const i64 GM[] = {1270949, 1213, 363, 55, 65};

static i64 root(i128 square) {
    i128 guess = (i128)1 << 40, following = (guess + square / guess) >> 1;
    while (following < guess) {
        guess = following;
        following = (guess + square / guess) >> 1;
    }
    return (i64)guess;
}

i64 nbody(u64 steps) {
    i64 x[BODIES], y[BODIES], z[BODIES], vx[BODIES], vy[BODIES], vz[BODIES];
    memcpy(x, X, sizeof x), memcpy(y, Y, sizeof y), memcpy(z, Z, sizeof z);
    memcpy(vx, VX, sizeof vx), memcpy(vy, VY, sizeof vy), memcpy(vz, VZ, sizeof vz);
    for (u64 step = 0; step < steps; step++) {
        for (int i = 0; i < BODIES; i++)
            for (int j = i + 1; j < BODIES; j++) {
                i64 dx = x[i] - x[j], dy = y[i] - y[j], dz = z[i] - z[j];
                i128 square = (i128)dx * dx + (i128)dy * dy + (i128)dz * dz;
                i128 distance = root(square);
                i128 cube = (square >> 32) * distance >> 32;
                i128 pull = ((i128)1 << 96) / cube;
                i64 a = (i64)(pull * GM[j] >> 32), b = (i64)(pull * GM[i] >> 32);
                vx[i] -= (i64)((i128)dx * a >> 64);
                vy[i] -= (i64)((i128)dy * a >> 64);
                vz[i] -= (i64)((i128)dz * a >> 64);
                vx[j] += (i64)((i128)dx * b >> 64);
                vy[j] += (i64)((i128)dy * b >> 64);
                vz[j] += (i64)((i128)dz * b >> 64);
            }
        for (int i = 0; i < BODIES; i++) x[i] += vx[i], y[i] += vy[i], z[i] += vz[i];
    }
    i64 total = 0;
    for (int i = 0; i < BODIES; i++) {
        total = (total * 3 ^ x[i] ^ y[i] ^ z[i]);
        total &= 0xFFFFFFFFFFFF;
    }
    return total;
}

#define SORTED 100000
static u64 xs[SORTED];

static u64 part(u64 low, u64 high) {
    u64 pivot = xs[low + (high - low - 1) / 2], i = low, j = high - 1;
    for (;;) {
        while (xs[i] < pivot) i++;
        while (xs[j] > pivot) j--;
        if (i >= j) return j + 1;
        u64 t = xs[i];
        xs[i] = xs[j];
        xs[j] = t;
        i++, j--;
    }
}

static void sort(void) {
    u64 lows[64] = {0}, highs[64] = {SORTED}, depth = 1;
    while (depth) {
        depth--;
        u64 low = lows[depth], high = highs[depth];
        while (high - low > 1) {
            u64 middle = part(low, high);
            if (middle - low < high - middle) {
                lows[depth] = middle, highs[depth] = high;
                high = middle;
            } else {
                lows[depth] = low, highs[depth] = middle;
                low = middle;
            }
            depth++;
        }
    }
}

u64 quicksort(u64 seed) {
    u64 state = seed, checksum = 0;
    for (int i = 0; i < SORTED; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        xs[i] = state >> 11;
    }
    sort();
    for (int i = 0; i < SORTED; i++) {
        if (i > 0 && xs[i - 1] > xs[i]) abort();
        checksum = checksum * 31 + xs[i];
    }
    return checksum;
}

#define SIEVE 5000000
static u8 composite[SIEVE];

u64 sieve(u64 limit) {
    if (limit > SIEVE) abort();
    memset(composite, 0, sizeof composite);
    u64 count = 0;
    for (u64 number = 2; number < limit; number++)
        if (!composite[number]) {
            count++;
            for (u64 multiple = number * number; multiple < limit; multiple += number)
                composite[multiple] = 1;
        }
    return count;
}

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))

static const u32 K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void compress(u32 *state, const u8 *block) {
    u32 w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (u32)block[4 * i] << 24 | (u32)block[4 * i + 1] << 16 | (u32)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        u32 s0 = ROTATE(w[i - 15], 7) ^ ROTATE(w[i - 15], 18) ^ w[i - 15] >> 3;
        u32 s1 = ROTATE(w[i - 2], 17) ^ ROTATE(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(s, state, sizeof s);
    u32 a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    for (int i = 0; i < 64; i++) {
        u32 t1 = h + (ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25)) + (g ^ (e & (f ^ g))) + K[i] + w[i];
        u32 t2 = (ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22)) + ((a & b) | (c & (a | b)));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256(const u8 *message, u64 size, u8 *digest) {
    u32 state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    u8 last[128] = {0};
    u64 whole = size / 64 * 64, rest = size - whole, padded = rest < 56 ? 64 : 128;
    for (u64 at = 0; at < whole; at += 64) compress(state, message + at);
    memcpy(last, message + whole, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++) last[padded - 1 - i] = (u8)(8 * size >> 8 * i);
    for (u64 at = 0; at < padded; at += 64) compress(state, last + at);
    for (int i = 0; i < 32; i++) digest[i] = (u8)(state[i / 4] >> (24 - i % 4 * 8));
}
