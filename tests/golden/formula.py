"""Weights and inputs by formula: the same numbers here and in formula.h, so that none are stored."""

import numpy as np

MASK = (1 << 64) - 1


def seed_of(name):
    """FNV-1a, 64 bits, of the name's bytes."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & MASK
    return state


def unit(name, count):
    """`count` multiples of 2^-23 in [-1, 1), float64: the top 24 bits of splitmix64 from the name's seed on."""
    index = np.arange(1, count + 1, dtype=np.uint64)
    z = np.uint64(seed_of(name)) + index * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0


def tensor(name, shape, scale, offset=0.0):
    """offset + scale * unit, rounded to float32; both factors are float32 numbers, so the product is exact."""
    values = np.float64(np.float32(offset)) + np.float64(np.float32(scale)) * unit(name, int(np.prod(shape)))
    return values.astype(np.float32).reshape(shape)
