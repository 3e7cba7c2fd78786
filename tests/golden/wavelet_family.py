"""Networks on Haar wavelets of the enlarged luma: DWSR (Guo 2017) and MWCNN (Liu 2018, second version).
In colour, from the small photo: Wavelet-SRNet (Huang 2017)."""

import numpy as np

from layers import batch_norm, relu
from recorder import Family, Image, Weights

# Signs of the pixels at even and odd places: [[a, b], [c, d]] of a block, halved.
AVERAGE, DOWN, RIGHT, CROSS = ((1, 1, 1, 1), (-1, -1, 1, 1), (-1, 1, -1, 1), (1, -1, -1, 1))


def negative(signs):
    return tuple(-sign for sign in signs)


def analyse(x, bands):
    """Bands of half the size, all channels of a band together."""
    pixels = (x[:, ::2, ::2], x[:, ::2, 1::2], x[:, 1::2, ::2], x[:, 1::2, 1::2])
    return np.concatenate([0.5 * sum(sign * pixel for sign, pixel in zip(signs, pixels)) for signs in bands])


def synthesise(x, bands):
    parts = np.split(x, 4)
    y = np.empty((parts[0].shape[0], 2 * x.shape[1], 2 * x.shape[2]))
    for k, (top, left) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        y[:, top::2, left::2] = 0.5 * sum(signs[k] * part for signs, part in zip(bands, parts))
    return y


DWSR_BANDS = (AVERAGE, negative(DOWN), negative(RIGHT), CROSS)
MWCNN_BANDS = (AVERAGE, RIGHT, DOWN, CROSS)


def dwsr_forward(w, image, width, depth):
    """Learns what the four bands lack."""
    bands = analyse(image, DWSR_BANDS)
    x = relu(w.conv(bands, "conv_00", width, 5, gain=1.4))
    for i in range(1, depth + 1):
        x = relu(w.conv(x, f"conv_{i:02d}", width, gain=1.4))
    return synthesise(w.conv(x, "conv_20", 4, gain=0.4) + bands, DWSR_BANDS)


def dwsr():
    family = Family("dwsr")
    for depth, width, size in ((10, 10, (12, 14)), (3, 12, (16, 10))):
        w = Weights()
        image = Image(f"dwsr {depth}", (1, *size))
        family.add(f"{depth} layers between", w,
                   [({"scale": 1, "image": image}, dwsr_forward(w, image.values, width, depth))])
    return family


def dilated(w, x, name, first, second):
    """Two convolutions with their dilations, each with a ReLU."""
    for part, dilation in (("body.0", first), ("body.2", second)):
        x = relu(w.conv(x, f"{name}.{part}", x.shape[0], dilation=dilation))
    return x


def mwcnn_forward(w, image, width):
    """Three levels of wavelets; the results on the way down are added on the way up."""

    def plain(x, name, out):
        return relu(w.conv(x, name + ".body.0", out))

    def down(x):
        return analyse(x, MWCNN_BANDS)

    def up(x):
        return synthesise(x, MWCNN_BANDS)

    x0 = dilated(w, plain(image, "head.0", width), "d_l0.0", 2, 1)
    x1 = dilated(w, plain(down(x0), "d_l1.0", 2 * width), "d_l1.1", 2, 1)
    x2 = dilated(w, plain(down(x1), "d_l2.0", 4 * width), "d_l2.1", 2, 1)
    x = plain(down(x2), "pro_l3.0", 8 * width)
    x = dilated(w, dilated(w, x, "pro_l3.1", 2, 3), "pro_l3.2", 3, 2)
    x = up(plain(x, "pro_l3.3", 16 * width)) + x2
    x = up(plain(dilated(w, x, "i_l2.0", 2, 1), "i_l2.1", 8 * width)) + x1
    x = up(plain(dilated(w, x, "i_l1.0", 2, 1), "i_l1.1", 4 * width)) + x0
    return w.conv(dilated(w, x, "i_l0.0", 2, 1), "tail.0", image.shape[0], gain=0.4) + image


def mwcnn():
    """Sides that eight divides."""
    family = Family("mwcnn")
    for width, size in ((6, (24, 16)), (8, (16, 40))):
        w = Weights(gain=1.4)
        image = Image(f"mwcnn {width}", (1, *size))
        family.add(f"{width} channels", w, [({"scale": 1, "image": image}, mwcnn_forward(w, image.values, width))])
    return family


def wavelet_block(w, x, name, out, groups, first_groups):
    """The input is added before the second normalisation."""
    same = x if x.shape[0] == out else w.conv(x, name + "conv_expand", out, 1, bias=False)
    y = stored_norm(w, w.conv(x, name + "conv1", out, groups=first_groups, bias=False), name + "bn1")
    return stored_norm(w, w.conv(y, name + "conv2", out, groups=groups, bias=False) + same, name + "bn2")


def stored_norm(w, x, name):
    count = x.shape[0]
    gain, shift = w.norm_parts(name, count)
    mean = w.tensor(name + ".running_mean", (count,), 0.3)
    variance = w.tensor(name + ".running_var", (count,), 0.4, 1.2)
    return relu(batch_norm(x, gain, shift, mean, variance))


HAAR = 0.5 * np.array([[[1, 1], [1, 1]], [[1, -1], [1, -1]], [[1, 1], [-1, -1]], [[1, -1], [-1, 1]]])


def packet_filters(levels):
    """[4^levels, side, side]: the first digit of a filter's number to the base 4 is that of the finest step."""
    filters = HAAR
    for _ in range(levels - 1):
        filters = np.array([np.kron(coarse, fine) for fine in HAAR for coarse in filters])
    return filters


def wavelet_srnet_forward(w, image, width, blocks, few, levels):
    x = stored_norm(w, w.conv(image, "conv_input", width, bias=False), "bn_input")
    for stage in range(5):
        for b in range(blocks):
            x = wavelet_block(w, x, f"residual.{stage}.{b}.", width * 2**stage, 1, 1)
    made = []
    for k, groups in enumerate([1, 3, 12, 48][:levels + 1]):
        y = wavelet_block(w, x, f"interim_{k}.", few * groups, groups, 1)
        y = wavelet_block(w, y, f"wavelet_{k}.0.", 2 * few * groups, groups, groups)
        made.append(w.conv(y, f"predict_{k}", 3 * groups, groups=groups))
    bands = np.concatenate(made).reshape(-1, 3, *image.shape[1:])
    side = 2**levels
    result = np.zeros((3, image.shape[1] * side, image.shape[2] * side))
    for band, pattern in zip(bands, packet_filters(levels)):
        result += np.kron(band, pattern)
    return result


def waveletsrnet():
    family = Family("waveletsrnet")
    for levels, blocks, size in ((2, 2, (6, 5)), (3, 1, (4, 5))):
        w = Weights()
        image = Image(f"waveletsrnet {levels}", (3, *size))
        made = wavelet_srnet_forward(w, image.values, 8, blocks, 4, levels)
        family.add(f"{levels} levels", w, [({"scale": 2**levels, "image": image}, made)])
    return family


FAMILIES = [dwsr, mwcnn, waveletsrnet]
