"""Networks that papers describe but no public code defines: the wavelet residual network of Bae 2017, CNF (Ren 2017),
and high-pass filters with multi-spectral attention (Magid 2021). Names and sizes are this project's own."""

import numpy as np

from attention_family import squeeze
from edsr_family import MEAN, upsample
from layers import relu, softmax
from recorder import Family, Image, Weights
from wavelet_family import HAAR, stored_norm


def waveresnet_forward(w, image, width, modules, depth):
    """The four bands of every 2x2 block, less what the network finds."""
    blocks = [image[0, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    bands = np.array([sum(sign * block for sign, block in zip(pattern.ravel(), blocks)) for pattern in HAAR])
    x = relu(w.conv(bands, "first", width))

    def layer(y, name):
        return stored_norm(w, w.conv(y, name + ".conv", width, bias=False, gain=1.4), name + ".norm")

    for m in range(modules):
        y = x
        for i in range(depth):
            y = layer(y, f"modules.{m}.{i}")
        x = x + y
    bands = bands - w.conv(layer(x, "join"), "last", 4, gain=0.2)
    return sum(np.kron(band, pattern) for band, pattern in zip(bands, HAAR))[None]


def waveresnet():
    family = Family("waveresnet")
    for width, modules, depth, size in ((10, 2, 2, (8, 10)), (8, 1, 3, (6, 8))):
        w = Weights()
        image = Image(f"waveresnet {modules}", (1, *size))
        made = waveresnet_forward(w, image.values, width, modules, depth)
        family.add(f"{modules} modules of {depth}", w, [({"scale": 1, "image": image}, made)])
    return family


def cnf():
    family = Family("cnf")
    for chains, depth, step, size in ((3, 3, 2, (9, 8)), (2, 4, 1, (7, 9)), (1, 5, 3, (8, 8))):
        w = Weights(gain=1.4)
        image = Image(f"cnf {chains}", (1, *size))
        total = 0.0
        for k in range(chains):
            x = image.values
            for i in range(depth + k * step - 1):
                x = relu(w.conv(x, f"chains.{k}.{i}", 8))
            total = total + w.conv(w.conv(x, f"chains.{k}.{depth + k * step - 1}", 1), f"fusion.{k}", 1, gain=0.6)
        family.add(f"{chains} chains", w, [({"scale": 1, "image": image}, total)])
    return family


def high_pass(x, logits):
    """Each pixel less the weighted mean of its 3x3 neighbours, edge pixels repeated; weights of each group."""
    channels, height, width = x.shape
    groups = logits.shape[0] // 9
    around = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode="edge")
    made = np.empty_like(x)
    for c in range(channels):
        group = c // (channels // groups)
        for i in range(height):
            for j in range(width):
                taps = softmax(logits[9 * group:9 * group + 9, i, j], 0)
                made[c, i, j] = x[c, i, j] - taps @ around[c, i:i + 3, j:j + 3].ravel()
    return made


def spectrum(x, matrix):
    """Coefficients (0, 0), (0, 1), (1, 0), (0, 2), ... of the discrete cosine transform."""
    channels, height, width = x.shape
    order = [(d, total - d) for total in range(8) for d in range(total + 1)]
    made = np.zeros(channels)
    for column, (down, right) in enumerate(order[:matrix.shape[1]]):
        rows = np.cos(np.pi * (np.arange(height) + 0.5) * down / height) * (np.sqrt(2) if down else 1.0)
        columns = np.cos(np.pi * (np.arange(width) + 0.5) * right / width) * (np.sqrt(2) if right else 1.0)
        made += matrix[:, column] * (x * rows[:, None] * columns[None, :]).mean(axis=(1, 2))
    return made


def dfsa_block(w, x, name, filters, frequencies, few):
    width = x.shape[0]
    y = w.conv(relu(w.conv(x, name + "conv1", width)), name + "conv2", width)
    details = high_pass(y, w.conv(y, name + "filter", 9 * filters, gain=2.0))
    y = y + w.conv(details, name + "details", width, 1)
    z = spectrum(y, w.tensor(name + "spectrum", (width, frequencies), 1.0))
    return y * squeeze(w, z, name + "attention.0", name + "attention.2", few) + x


def dfsa():
    family = Family("dfsa")
    for scale, groups, blocks, filters, frequencies, size in ((2, 2, 2, 4, 6, (8, 7)), (3, 1, 2, 2, 1, (7, 6)),
                                                              (4, 1, 1, 8, 9, (6, 7))):
        w = Weights()
        image = Image(f"dfsa x{scale}", (3, *size))
        head = w.conv((image.values - MEAN) * 255.0, "head", 8, gain=0.02)
        x = head
        for g in range(groups):
            y = x
            for b in range(blocks):
                y = dfsa_block(w, y, f"groups.{g}.blocks.{b}.", filters, frequencies, 3)
            x = x + w.conv(y, f"groups.{g}.conv", 8)
        x = w.conv(x, "body", 8) + head
        made = w.conv(upsample(w, x, "up.{}", scale), "last", 3, gain=20.0) / 255.0 + MEAN
        family.add(f"{groups} groups, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


FAMILIES = [waveresnet, cnf, dfsa]
