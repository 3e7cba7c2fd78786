"""Pixel-recursive super-resolution (Dahl 2017), the logits: nilboy/pixel-recursive-super-resolution `net.py`, `ops.py`,
its variables with dots for slashes, `.weight` and `.bias`, PyTorch's layouts."""

import numpy as np

from layers import relu, sigmoid
from recorder import Family, Image, Weights

LEVELS = 256


def masked(w, x, name, out, height, width, own):
    """Row by row and pixel by pixel: rows above, and the first `own` taps of the pixel's own row."""
    weight = w.conv_weight(name + ".weight", (out, x.shape[0], height, width), 2.0)
    shift = w.tensor(name + ".bias", (out,), 0.3)
    _, rows, columns = x.shape
    y = np.zeros((out, rows, columns)) + shift[:, None, None]
    for dy in range(height // 2 + 1):
        for dx in range(width if dy < height // 2 else own):
            for i in range(rows):
                for j in range(columns):
                    row, column = i + dy - height // 2, j + dx - width // 2
                    if 0 <= row and 0 <= column < columns:
                        y[:, i, j] += weight[:, :, dy, dx] @ x[:, row, column]
    return y


def gate(x):
    first, second = np.split(x, 2)
    return np.tanh(first) * sigmoid(second)


def prior(w, hr, width, depth, hidden):
    h = v = masked(w, hr - 0.5, "prior.conv1", width, 7, 7, 3)
    for i in range(depth):
        name = f"prior.gated{i}."
        left = masked(w, v, name + "conv_s1", 2 * width, 5, 5, 0)
        v = gate(left)
        right = masked(w, h, name + "conv_r1", 2 * width, 1, 5, 3) + w.conv(left, name + "conv_s2", 2 * width, 1)
        h = h + w.conv(gate(right), name + "conv_r2", width, 1)
    x = w.conv(relu(w.conv(h, "prior.conv2", hidden, 1)), "prior.conv3", 3 * LEVELS, 1)
    return np.concatenate([x[c::3] for c in range(3)])


def norm(w, x, name):
    gain, shift = w.norm_parts(name, x.shape[0])
    mean = w.tensor(name + ".running_mean", (x.shape[0],), 0.2)
    variance = w.tensor(name + ".running_var", (x.shape[0],), 0.3, 1.0)
    parts = [a[:, None, None] for a in (gain, shift, mean, variance)]
    return (x - parts[2]) / np.sqrt(parts[3] + 1e-3) * parts[0] + parts[1]


def block(w, x, name):
    y = relu(norm(w, w.conv(x, name + "conv1", x.shape[0]), name + "bn1"))
    return x + norm(w, w.conv(y, name + "conv2", x.shape[0]), name + "bn2")


def conditioning(w, lr, width, blocks, doublings):
    x = w.conv(lr - 0.5, "conditioning.conv_init", width, 1)
    for a in range(doublings):
        for b in range(blocks):
            x = block(w, x, f"conditioning.res{a}{b}.")
        x = relu(w.deconv(x, f"conditioning.deconv{a}", width, 3, 2)[:, :-1, :-1])
    for b in range(blocks):
        x = block(w, x, f"conditioning.res3{b}.")
    return w.conv(x, "conditioning.conv", 3 * LEVELS, 1)


def pixelrecursive():
    family = Family("pixelrecursive")
    for doublings, depth, blocks in ((2, 2, 2), (1, 3, 1)):
        w, scale = Weights(), 2**doublings
        lr = Image(f"recursive x{scale}", (3, 3, 4))
        hr = Image(f"recursive result x{scale}", (3, 3 * scale, 4 * scale))
        known = conditioning(w, lr.values, 8, blocks, doublings)
        made = np.concatenate([prior(w, hr.values, 16, depth, 24) + known, known])
        family.add(f"x{scale}", w, [({"scale": scale, "image": lr, "hr": hr}, made)])
    return family


FAMILIES = [pixelrecursive]
