"""IMDN (Hui et al., ACM MM 2019) and RFDN (Liu et al., ECCVW 2020), from the authors' block.py."""

import numpy as np

from layers import bilinear, leaky, max_pool, pixel_shuffle, relu, sigmoid
from recorder import Family, Image, Weights


def around(w, x, block, blocks, width, scale, last_bias=0.0, last_gain=1.0):
    """Features, blocks in a row, a 1x1 convolution of all of them, the features again, one pixel shuffle."""
    first = w.conv(x, "fea_conv", width)
    made = []
    x = first
    for i in range(1, blocks + 1):
        x = block(w, x, i)
        made.append(x)
    x = w.conv(leaky(w.conv(np.concatenate(made), "c.0", width, 1), 0.05), "LR_conv", width) + first
    return pixel_shuffle(w.conv(x, "upsampler.0", 3 * scale**2, bias_offset=last_bias, gain=last_gain), scale)


def imdn_block(w, x, i):
    width, kept = x.shape[0], x.shape[0] // 4
    name = f"IMDB{i}."
    parts, rest = [], x
    for part in ("c1", "c2", "c3"):
        y = leaky(w.conv(rest, name + part, width), 0.05)
        parts.append(y[:kept])
        rest = y[kept:]
    y = np.concatenate([*parts, w.conv(rest, name + "c4", kept)])
    # Contrast-aware channel attention; the deviation is that of all pixels (biased).
    z = (y.std(axis=(1, 2)) + y.mean(axis=(1, 2))).reshape(-1, 1, 1)
    z = relu(w.conv(z, name + "cca.conv_du.0", max(1, width // 16), 1))
    z = sigmoid(w.conv(z, name + "cca.conv_du.2", width, 1))
    return w.conv(y * z, name + "c5", width, 1) + x


def imdn():
    family = Family("imdn")
    for scale, blocks, width, size in ((2, 2, 16, (10, 9)), (3, 1, 32, (7, 9)), (4, 3, 16, (6, 8))):
        w = Weights()
        image = Image(f"imdn x{scale}", (3, *size))
        made = around(w, image.values, imdn_block, blocks, width, scale)
        family.add(f"{blocks} blocks of {width}, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def spatial_attention(w, x, name):
    """Enhanced spatial attention with a quarter of the channels."""
    width, few = x.shape[0], x.shape[0] // 4
    first = w.conv(x, name + "conv1", few, 1)
    y = max_pool(w.conv(first, name + "conv2", few, 3, stride=2, pad=0), 7, 3)
    y = relu(w.conv(y, name + "conv_max", few))
    y = w.conv(relu(w.conv(y, name + "conv3", few)), name + "conv3_", few)
    y = bilinear(y, x.shape[1], x.shape[2]) + w.conv(first, name + "conv_f", few, 1)
    return x * sigmoid(w.conv(y, name + "conv4", width, 1))


def rfdn_block(w, x, i):
    width, thin = x.shape[0], x.shape[0] // 2
    name = f"B{i}."
    kept, y = [], x
    for part in ("c1", "c2", "c3"):
        kept.append(leaky(w.conv(y, f"{name}{part}_d", thin, 1), 0.05))
        y = leaky(w.conv(y, f"{name}{part}_r", width) + y, 0.05)
    kept.append(leaky(w.conv(y, name + "c4", thin), 0.05))
    return spatial_attention(w, w.conv(np.concatenate(kept), name + "c5", width, 1), name + "esa.")


def rfdn_forward(w, image, blocks, width, scale, colours, last_bias):
    """`colours`: the range that the file counts in, 1 (authors) or 255 (winner of AIM 2020)."""
    return around(w, image * colours, rfdn_block, blocks, width, scale, last_bias, 0.3) / colours


def gray_response(make_weights, colours, *shape):
    """The middle of what a gray area becomes, and how far from gray it is on average."""
    flat = np.full((3, 48, 48), 0.5)
    made = rfdn_forward(make_weights(), flat, *shape[:3], colours, shape[3])
    inside = 12 * shape[2]
    middle = made[:, inside:-inside, inside:-inside]
    return middle.mean(), np.abs(middle - 0.5).mean()


def rfdn():
    """Nothing in a file tells its range, but with the right one a gray area stays gray: the last bias sees to it."""
    family = Family("rfdn")
    for scale, colours, blocks, sizes in ((2, 1.0, 2, ((24, 29), (31, 26))), (3, 1.0, 1, ((25, 24),)),
                                          (4, 255.0, 2, ((24, 27),))):
        width = 12

        def make():
            return Weights(bias=0.1 if colours == 1.0 else 5.0, gain=0.8)

        middle, _ = gray_response(make, colours, blocks, width, scale, 0.0)
        last_bias = (0.5 - middle) * colours
        misses = [gray_response(make, c, blocks, width, scale, last_bias)[1] for c in (colours, 256.0 - colours)]
        assert 3 * misses[0] < misses[1], misses
        w, runs = make(), []
        for size in sizes:
            image = Image(f"rfdn {size}", (3, *size))
            made = rfdn_forward(w, image.values, blocks, width, scale, colours, last_bias)
            runs.append(({"scale": scale, "image": image}, made))
        family.add(f"{blocks} blocks of {width}, x{scale}, colours to {colours:g}", w, runs)
    return family


FAMILIES = [imdn, rfdn]
