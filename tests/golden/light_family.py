"""Light networks: IDN (Hui 2018), RLFN (Kong 2022), EFDN (Wang 2022), FMEN (Du 2022); names of the published files."""

import numpy as np

from layers import bilinear, conv2d, conv_transpose2d, imresize_up, leaky, max_pool, pixel_shuffle, relu, sigmoid
from recorder import Family, Image, Weights

GRAY = 48  # side of a gray image


def tail(w, x, name, scale, last, gain=0.3):
    """The last convolution, whose biases `last` are numbers, and a pixel shuffle."""
    count = 3 * scale**2
    weight = w.conv_weight(name + ".weight", (count, x.shape[0], 3, 3), gain)
    return pixel_shuffle(conv2d(x, weight, w.constant(name + ".bias", (count,), last), 1, 1), scale)


def keeping_gray(make, forward, scale, colours, shuffled=True):
    """Last biases with which gray stays gray in the range that the file counts in, `colours`: 1 or 255. Nothing else in
    a file tells the range. forward(w, image, last) takes the image in that range. A pixel shuffle comes after the last
    convolution, or else not: then it has three biases."""
    flat = np.full((3, GRAY, GRAY), 0.5 * colours)
    none = np.zeros(3 * scale**2 if shuffled else 3)
    middle = forward(make(), flat, none)[:, GRAY // 2 * scale:, GRAY // 2 * scale:][:, :scale, :scale]
    last = 0.5 * colours - (middle.ravel() if shuffled else middle.mean(axis=(1, 2)))

    def miss(count):
        made = forward(make(), np.full_like(flat, 0.5 * count), last)[:, 12 * scale:-12 * scale, 12 * scale:-12 * scale]
        return np.abs(made / count - 0.5).mean()

    misses = [miss(count) for count in (colours, 256.0 - colours)]
    assert misses[0] < 0.1 and 3 * misses[0] < misses[1], misses
    return last


def add_network(family, title, make, forward, scale, colours, sizes, shuffled=True, **facts):
    last = keeping_gray(make, forward, scale, colours, shuffled)
    w, runs = make(), []
    for size in sizes:
        image = Image(f"{family.name} x{scale} {size}", (3, *size))
        runs.append(({"scale": scale, "image": image}, forward(w, image.values * colours, last) / colours))
    family.add(title, w, runs, **facts)


def idn_block(w, x, b):
    """Six convolutions; a quarter of the third's result waits and is added at the end, as is the input."""
    width = x.shape[0]
    kept = width // 4

    def conv(y, k, out, groups=1):
        return leaky(w.conv(y, f"conv{b + 2}_{k}", out, groups=groups), 0.05)

    y = conv(conv(conv(x, 1, 3 * kept), 2, 2 * kept, 4), 3, width)
    rest = conv(conv(conv(y[kept:], 4, width), 5, 3 * kept, 4), 6, width + kept)
    y = np.concatenate([x, y[:kept]]) + rest
    return leaky(w.conv(y, f"down{b}", width, 1, bias_offset=0.3), 0.05)


def idn_features(w, image, width, blocks):
    x = leaky(w.conv(image, "conv1", width), 0.05)
    x = leaky(w.conv(x, "conv2", width), 0.05)
    for b in range(1, blocks + 1):
        x = idn_block(w, x, b)
    return x


def idn_image(image, features, weight, bias, scale):
    """The transposed convolution lacks the first scale - 1 rows and columns; they stay bicubic."""
    y = imresize_up(image, scale)
    y[:, scale - 1:, scale - 1:] += conv_transpose2d(features, weight, bias, scale, 8)
    return y


def idn():
    """No shape tells the scale, but a gray area stays gray for one only, as in FSRCNN's files."""
    family = Family("idn")
    for scale, blocks, width, size in ((2, 2, 16, (10, 9)), (3, 1, 16, (8, 9)), (4, 4, 16, (9, 8))):
        w = Weights()
        gray = idn_features(w, np.full((1, GRAY, GRAY), 0.5), width, blocks)[:, GRAY // 2, GRAY // 2]
        assert gray.sum() > 1.0, gray
        # A gray output pixel is the bias and, on average, 289 / scale^2 taps of every feature.
        bias = w.constant("upsample.bias", (1,), [-0.6])
        offset = 0.6 * scale**2 / (289 * gray.sum())
        weight = w.tensor("upsample.weight", (width, 1, 17, 17), 3.0 * offset, offset)
        image = Image(f"idn x{scale}", (1, *size))
        features = idn_features(w, image.values, width, blocks)
        made = idn_image(image.values, features, weight, bias, scale)
        family.add(f"{blocks} blocks of {width}, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def attention(w, x, name, few, middle, gain, conv=None, activation=relu):
    """Enhanced spatial attention; `middle` convolutions come after the pooling, an activation between each two."""
    conv = conv or w.conv
    first = w.conv(x, name + "conv1", few, 1)
    y = max_pool(conv(first, name + "conv2", few, 3, stride=2, pad=0), 7, 3)
    for i, part in enumerate(middle):
        y = conv(activation(y) if i else y, name + part, few)
    y = bilinear(y, x.shape[1], x.shape[2]) + w.conv(first, name + "conv_f", few, 1)
    return x * sigmoid(w.conv(y, name + "conv4", x.shape[0], 1, gain=gain))


def rlfn_forward(w, image, last, names, width, thick, blocks, few, scale):
    """Names: first convolution, blocks, second convolution. `thick` channels inside a block; colours to 255."""
    first = w.conv(image, names[0], width)
    x = first
    for b in range(1, blocks + 1):
        name, y = f"{names[1]}{b}.", x
        for part, out in (("c1_r", thick), ("c2_r", thick), ("c3_r", width)):
            y = leaky(w.conv(y, name + part, out), 0.05)
        y = w.conv(y + x, name + "c5", width, 1)
        x = attention(w, y, name + "esa.", few, ["conv3"], 0.02)
    return tail(w, w.conv(x, names[2], width) + first, "upsampler.0", scale, last)


def rlfn():
    family = Family("rlfn")
    author, contest = ("conv_1", "block_", "conv_2"), ("fea_conv", "B", "LR_conv")
    for title, names, width, thick, blocks, scale, sizes in (
            ("author's names", author, 12, 12, 2, 2, ((17, 19), (23, 16))),
            ("author's names", author, 12, 12, 3, 4, ((16, 17),)),
            ("NTIRE 2022's names", contest, 10, 12, 2, 4, ((18, 17),))):
        def forward(w, image, last):
            return rlfn_forward(w, image, last, names, width, thick, blocks, 4, scale)

        add_network(family, f"{title}, {blocks} blocks of {width}, x{scale}", lambda: Weights(bias=10.0, gain=0.9),
                    forward, scale, 255.0, sizes)
    return family


def efdn_cell(w, x, name):
    width = x.shape[0]
    made, y = [x], x
    for part, inside, side in (("conv1", "conv1x1", 1), ("conv2", "rep_conv", 3), ("conv3", "rep_conv", 3)):
        y = w.prelu(w.conv(y, f"{name}{part}.{inside}", width, side), f"{name}{part}.act")
        made.append(y)
    parts = [w.conv(y, f"{name}branch.{i}", width // 2, 1) for i, y in enumerate(made)]
    y = w.conv(np.concatenate(parts), name + "fuse", width, 1)
    return attention(w, y, name + "att.", width // 4, ["conv_max", "conv3", "conv3_"], 1.0) + x


def efdn_forward(w, image, last, width, scale):
    """Four cells; the last 1x1 convolution sees the second cell, not the third."""
    head = w.conv(image, "head", width)
    made = [efdn_cell(w, head, "cells.0.")]
    made.append(efdn_cell(w, made[0], "cells.1."))

    def fuse(i, a, b):
        return w.conv(np.concatenate([a, b]), f"local_fuse.{i}", width, 1)

    third = efdn_cell(w, fuse(0, made[0], made[1]), "cells.2.")
    fourth = efdn_cell(w, fuse(1, made[1], third), "cells.3.")
    return tail(w, fuse(2, made[1], fourth) + head, "tail.0", scale, last)


def efdn():
    family = Family("efdn")
    for width, scale, sizes in ((8, 2, ((17, 20),)), (12, 4, ((16, 17), (22, 15)))):
        add_network(family, f"4 cells of {width}, x{scale}", lambda: Weights(gain=0.9),
                    lambda w, image, last: efdn_forward(w, image, last, width, scale), scale, 1.0, sizes)
    return family


def fmen_chain(w, x, name):
    y = leaky(w.conv(x, name + "conv1.rep_conv", x.shape[0]), 0.1)
    return w.conv(y, name + "conv2.rep_conv", x.shape[0])


def fmen_attention(w, x, name, narrow, chains):
    y = leaky(w.conv(x, name + "squeeze", narrow), 0.1)
    for i in range(chains):
        y = fmen_chain(w, y, f"{name}convs.{i}.")
    return x * sigmoid(w.conv(leaky(y, 0.1), name + "excitate", x.shape[0], gain=0.02))


def fmen_forward(w, image, last, names, width, narrow, blocks, scale):
    head = w.conv(image, "head", width)
    x = fmen_attention(w, w.conv(head, "warmup.0", width), "warmup.1.", narrow[0], 2)
    for b in range(blocks):
        x = fmen_attention(w, fmen_chain(w, x, f"{names[0]}.{b}."), f"{names[1]}.{b}.", narrow[1], 1)
    return tail(w, w.conv(x, "lr_conv", width) + head, "tail.0", scale, last)


def fmen():
    family = Family("fmen")
    author, contest = ("ERBs", "HFABs"), ("basic_blocks", "hfabs")
    for title, names, blocks, scale, size in (("author's names", author, 2, 2, (9, 8)),
                                              ("author's names", author, 1, 4, (7, 9)),
                                              ("NTIRE 2022's names", contest, 2, 4, (8, 7))):
        add_network(family, f"{title}, {blocks} blocks, x{scale}", lambda: Weights(bias=10.0, gain=1.2),
                    lambda w, image, last: fmen_forward(w, image, last, names, 12, (6, 8), blocks, scale), scale, 255.0,
                    (size,))
    return family


FAMILIES = [idn, rlfn, efdn, fmen]
