"""CARN and CARN-M (Ahn et al., ECCV 2018), from the authors' carn.py, carn_m.py and ops.py; colours from 0 to 1."""

import numpy as np

from edsr_family import MEAN, factors
from layers import pixel_shuffle, relu
from recorder import Family, Image, Weights


def unit(w, x, name, groups):
    """ResidualBlock; EResidualBlock (CARN-M) has groups and a 1x1 convolution."""
    width = x.shape[0]
    y = relu(w.conv(x, name + ".0", width, groups=groups))
    y = w.conv(y, name + ".2", width, groups=groups)
    if groups > 1:
        y = w.conv(relu(y), name + ".4", width, 1)
    return relu(y + x)


def cascade(w, x, step, gather):
    """Three steps; a 1x1 convolution of all results so far comes before each and at the end."""
    seen, y = x, x
    for i in range(1, 4):
        seen = np.concatenate([seen, step(y, i)])
        y = relu(w.conv(seen, gather.format(i), x.shape[0], 1))
    return y


def carn_forward(w, image, width, groups, scale):
    def block(x, b):
        # CARN-M has one unit a block, used three times.
        return cascade(w, x, lambda y, u: unit(w, y, f"b{b}.b{1 if groups > 1 else u}.body", groups),
                       f"b{b}.c{{}}.body.0")

    x = cascade(w, w.conv(image - MEAN, "entry", width), block, "c{}.body.0")
    for i, factor in enumerate(factors(scale)):
        name = f"upsample.up{scale}.body.{3 * i}"
        x = pixel_shuffle(relu(w.conv(x, name, width * factor**2, groups=groups)), factor)
    return w.conv(x, "exit", 3) + MEAN


def carn():
    family = Family("carn")
    for title, groups, scales, frozen in (("CARN", 1, (2, 3, 4), True), ("CARN-M", 4, (2, 3, 4), True),
                                          ("CARN, x3 alone", 1, (3,), False)):
        w = Weights()
        if frozen:
            for name, sign in (("sub_mean", -1.0), ("add_mean", 1.0)):
                w.constant(f"{name}.shifter.weight", (3, 3, 1, 1), np.eye(3))
                w.constant(f"{name}.shifter.bias", (3,), sign * MEAN)
        runs = []
        for scale in scales:
            image = Image(f"carn x{scale}", (3, 10 - scale, 7 + scale))
            made = carn_forward(w, image.values, 16, groups, scale)
            runs.append(({"scale": scale, "image": image}, made))
        family.add(title, w, runs)
    return family


FAMILIES = [carn]
