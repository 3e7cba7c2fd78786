"""LapSRN and MS-LapSRN (Lai et al. 2017): the MatConvNet files' names, `_f` and `_b` as weight and bias, in PyTorch's
layouts. Luma from 0 to 1."""

import numpy as np

from layers import conv_transpose2d, leaky
from recorder import Family, Image, Weights

LEAK = 0.2


def enlarge(w, x, name):
    """3x3 transposed convolution, stride 2; the last row and column are cut off."""
    return w.deconv(x, name, x.shape[0], 3, 2)[:, :-1, :-1]


def enlarge_image(w, image, name):
    """4x4, one pixel cut off all around; around the means of four pixels. No bias."""
    return conv_transpose2d(image, w.tensor(name + ".weight", (1, 1, 4, 4), 0.1, 0.25), None, 2, 1)


def lapsrn_forward(w, image, width, depth, levels):
    """Levels count down: level1 makes the largest image."""
    x = leaky(w.conv(image, "input_conv", width), LEAK)
    for level in range(levels, 0, -1):
        name = f"level{level}_"
        for d in range(1, depth + 1):
            x = leaky(w.conv(x, f"{name}conv{d}", width), LEAK)
        x = leaky(enlarge(w, x, name + "upconv"), LEAK)
        image = enlarge_image(w, image, name + "img_up") + w.conv(x, name + "residual_conv", 1, gain=0.3)
    return image


def lapsrn():
    family = Family("lapsrn")
    for scale, depth, size in ((2, 3, (9, 8)), (4, 2, (7, 8)), (8, 1, (5, 4))):
        w = Weights(gain=1.4)
        image = Image(f"lapsrn x{scale}", (1, *size))
        made = lapsrn_forward(w, image.values, 12, depth, scale.bit_length() - 1)
        family.add(f"{depth} layers a level, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def mslapsrn_forward(w, image, width, depth, levels, recursions=8):
    """The same weights for all levels and recursions; every recursion adds the level's input again."""
    start = w.conv(image, "input_conv", width)
    for _ in range(levels):
        x = start
        for _ in range(recursions):
            for d in range(1, depth + 1):
                x = w.conv(leaky(x, LEAK), f"conv{d}", width)
            x = x + start
        start = enlarge(w, leaky(x, LEAK), "upconv")
        image = enlarge_image(w, image, "img_up") + w.conv(start, "residual_conv", 1, gain=0.3)
    return image


def mslapsrn():
    """Eight recursions, which no shape tells."""
    family = Family("mslapsrn")
    for depth, runs in ((2, ((2, (9, 8)), (4, (7, 8)), (8, (4, 5)))), (5, ((4, (6, 7)),))):
        w, made = Weights(gain=1.0), []
        for scale, size in runs:
            image = Image(f"mslapsrn x{scale}", (1, *size))
            result = mslapsrn_forward(w, image.values, 10, depth, scale.bit_length() - 1)
            made.append(({"scale": scale, "image": image}, result))
        family.add(f"{depth} layers", w, made)
    return family


FAMILIES = [lapsrn, mslapsrn]
