"""EDSR and MDSR (Lim et al., CVPRW 2017): EDSR-PyTorch's and BasicSR's code, colours from 0 to 255."""

import numpy as np

from layers import pixel_shuffle, relu
from recorder import Family, Image, Weights

MEAN = np.array([0.4488, 0.4371, 0.4040]).reshape(3, 1, 1)  # DIV2K
BIAS = 10.0  # of 255


def around_mean(image, body):
    """sub_mean, body, add_mean: the published range is 0 to 255, Input's is 0 to 1."""
    return body((image - MEAN) * 255.0) / 255.0 + MEAN


def residual(w, x, first, second, side=3, scaling=1.0, bias=True):
    """Convolution, ReLU, convolution, times the residual scaling, plus the input."""
    y = relu(w.conv(x, first, x.shape[0], side, bias=bias))
    return x + scaling * w.conv(y, second, x.shape[0], side, bias=bias)


def factors(scale):
    return {4: [2, 2], 8: [2, 2, 2]}.get(scale, [scale])


def upsample(w, x, pattern, scale, bias=True):
    """EDSR's Upsampler: the pixel shuffles take every second number in its Sequential."""
    for i, factor in enumerate(factors(scale)):
        x = pixel_shuffle(w.conv(x, pattern.format(2 * i), x.shape[0] * factor**2, bias=bias), factor)
    return x


def edsr_pytorch(w, x, width, blocks, scale, scaling=1.0, bias=True):
    head = w.conv(x, "head.0", width, bias=bias)
    y = head
    for i in range(blocks):
        y = residual(w, y, f"body.{i}.body.0", f"body.{i}.body.2", scaling=scaling, bias=bias)
    y = w.conv(y, f"body.{blocks}", width, bias=bias) + head
    return w.conv(upsample(w, y, "tail.0.{}", scale, bias), "tail.1", 3, bias=bias)


def edsr_basicsr(w, x, width, blocks, scale, scaling=1.0):
    head = w.conv(x, "conv_first", width)
    y = head
    for i in range(blocks):
        y = residual(w, y, f"body.{i}.conv1", f"body.{i}.conv2", scaling=scaling)
    y = w.conv(y, "conv_after_body", width) + head
    return w.conv(upsample(w, y, "upsample.{}", scale), "conv_last", 3)


# What a weights file says of the residuals' scaling; shapes do not tell it.
SCALED = {"residual_scale": "0.1"}


def mean_shift_layers(w, suffix=""):
    """The frozen layers that EDSR-PyTorch keeps in its files."""
    for name, sign in (("sub_mean", -1.0), ("add_mean", 1.0)):
        w.constant(f"{name}{suffix}.weight", (3, 3, 1, 1), np.eye(3))
        w.constant(f"{name}{suffix}.bias", (3,), sign * 255.0 * MEAN)


def edsr():
    family = Family("edsr")
    for code, network in (("EDSR-PyTorch", edsr_pytorch), ("BasicSR", edsr_basicsr)):
        for scale, blocks, size in ((2, 2, (11, 9)), (3, 1, (8, 13)), (4, 3, (7, 6)), (8, 1, (4, 5))):
            w = Weights(BIAS)
            if code == "EDSR-PyTorch" and scale == 2:
                mean_shift_layers(w)
            image = Image(f"edsr x{scale}", (3, *size))
            made = around_mean(image.values, lambda x: network(w, x, 16, blocks, scale))
            family.add(f"{code}, {blocks} blocks of 16, x{scale}", w, [({"scale": scale, "image": image}, made)])
        w = Weights(BIAS, gain=1.4)
        image = Image("edsr scaled", (3, 5, 6))
        made = around_mean(image.values, lambda x: network(w, x, 48, 2, 2, scaling=0.1))
        family.add(f"{code}, residuals times 0.1", w, [({"scale": 2, "image": image}, made)], remarks=SCALED)
    return family


def mdsr_forward(w, x, width, blocks, scale):
    x = w.conv(x, "head.0", width)
    for i in range(2):
        name = f"pre_process.{scale - 2}.{i}.body"
        x = residual(w, x, name + ".0", name + ".2", side=5)
    y = x
    for i in range(blocks):
        y = residual(w, y, f"body.{i}.body.0", f"body.{i}.body.2")
    y = w.conv(y, f"body.{blocks}", width) + x
    return w.conv(upsample(w, y, f"upsample.{scale - 2}.{{}}", scale), "tail.0", 3)


def mdsr():
    family = Family("mdsr")
    for blocks, frozen in ((2, True), (1, False)):
        w = Weights(BIAS)
        if frozen:
            mean_shift_layers(w)
        runs = []
        for scale, size in ((2, (10, 9)), (3, (7, 8)), (4, (6, 7))):
            image = Image(f"mdsr x{scale}", (3, *size))
            made = around_mean(image.values, lambda x: mdsr_forward(w, x, 16, blocks, scale))
            runs.append(({"scale": scale, "image": image}, made))
        family.add(f"{blocks} blocks of 16", w, runs)
    return family


FAMILIES = [edsr, mdsr]
