"""RRDBNet (Wang et al., ECCVW 2018): BasicSR's and Real-ESRGAN's names, and those of ESRGAN's first code and BSRGAN."""

import numpy as np

from layers import leaky, nearest, pad, pixel_unshuffle
from recorder import Family, Image, Weights

NEW = ("body.{}.rdb{}.conv{}", "conv_body", "conv_up{}", "conv_hr")
OLD = ("RRDB_trunk.{}.RDB{}.conv{}", "trunk_conv", "upconv{}", "HRconv")


def dense_block(w, x, pattern, growth):
    """Five convolutions, each of which sees all before it; the last has no activation."""
    seen = x
    for i in range(1, 5):
        seen = np.concatenate([seen, leaky(w.conv(seen, pattern.format(i), growth), 0.2)])
    return w.conv(seen, pattern.format(5), x.shape[0]) * 0.2 + x


def rrdb_forward(w, image, names, width, growth, blocks, unshuffle, doublings):
    block, body, up, hr = names
    _, height, wide = image.shape
    x = pad(image, 0, -height % unshuffle, 0, -wide % unshuffle, "edge")
    first = w.conv(pixel_unshuffle(x, unshuffle), "conv_first", width)
    x = first
    for b in range(blocks):
        y = x
        for part in range(1, 4):
            y = dense_block(w, y, block.format(b, part, "{}"), growth)
        x = y * 0.2 + x
    x = first + w.conv(x, body, width)
    for i in range(1, doublings + 1):
        x = leaky(w.conv(nearest(x, 2), up.format(i), width), 0.2)
    x = w.conv(leaky(w.conv(x, hr, width), 0.2), "conv_last", 3)
    scale = 2**doublings // unshuffle
    return x[:, :height * scale, :wide * scale]


def rrdb():
    family = Family("rrdb")
    for title, names, unshuffle, doublings, blocks, sizes in (
            ("Real-ESRGAN x4", NEW, 1, 2, 2, ((6, 7),)), ("Real-ESRGAN's names, one doubling", NEW, 1, 1, 1, ((9, 8),)),
            ("Real-ESRGAN x2, from 12 channels", NEW, 2, 2, 1, ((12, 10), (11, 13))),
            ("Real-ESRGAN x1, from 48 channels", NEW, 4, 2, 1, ((16, 20), (13, 18))),
            ("ESRGAN x4", OLD, 1, 2, 1, ((7, 6),)), ("BSRGAN x2", OLD, 1, 1, 2, ((8, 9),))):
        w = Weights()
        runs = []
        scale = 2**doublings // unshuffle
        for size in sizes:
            image = Image(f"rrdb {size}", (3, *size))
            made = rrdb_forward(w, image.values, names, 16, 8, blocks, unshuffle, doublings)
            runs.append(({"scale": scale, "image": image}, made))
        family.add(title, w, runs)
    return family


FAMILIES = [rrdb]
