"""Plain chains: SRVGGNetCompact (Real-ESRGAN), VDSR, MZSR's starting point, SRCNN, FSRCNN, ESPCN."""

import numpy as np

from layers import conv_transpose2d, nearest, pixel_shuffle, relu
from recorder import Family, Image, Weights


def srvgg_forward(w, image, conv, slope, width, depth, scale):
    """PReLU with a slope a channel after every convolution but the last; nearest neighbours are added."""
    x = image
    for i in range(depth):
        x = w.prelu(w.conv(x, conv.format(2 * i), width), slope.format(2 * i + 1))
    return pixel_shuffle(w.conv(x, conv.format(2 * depth), 3 * scale**2), scale) + nearest(image, scale)


def srvgg():
    family = Family("srvgg")
    for title, conv, slope, scales in (("Real-ESRGAN", "body.{}", "body.{}", (1, 2, 3, 4)),
                                       ("ncnn", "Conv_{}", "PRelu_{}", (2, 4))):
        for scale in scales:
            w = Weights()
            image = Image(f"srvgg x{scale}", (3, 9, 7 + scale))
            made = srvgg_forward(w, image.values, conv, slope, 16, 2 + scale % 2, scale)
            family.add(f"{title} x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def vdsr_forward(w, image, convs):
    x = image
    for conv in convs[:-1]:
        x = relu(conv(x))
    return convs[-1](x) + image


def cell_conv(w, x, index, out):
    """MatConvNet's filters [3, 3, in, out], a last dimension of 1 left out; biases [out, 1]. He's variance, so that the
    first of 20 layers still matter."""
    shape = (3, 3, x.shape[0], out) if out > 1 else (3, 3, x.shape[0])
    cells = w.tensor(f"model.weight{{{index}}}", shape, np.sqrt(6.0 / (9 * x.shape[0])))
    shift = w.tensor(f"model.bias{{{index}}}", (out, 1), 0.1)
    y = np.zeros((out, *x.shape[1:]))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    for dy in range(3):
        for dx in range(3):
            taps = cells[dy, dx].reshape(x.shape[0], out)
            window = padded[:, dy:dy + x.shape[1], dx:dx + x.shape[2]]
            y += np.einsum("io,ihw->ohw", taps, window)
    return y + shift[:, :, None]


def vdsr():
    """Residual learning on the upscaled luma."""
    family = Family("vdsr")
    for bias in (False, True):
        w = Weights()
        names = ["input", *(f"residual_layer.{i}.conv" for i in range(3)), "output"]
        convs = [lambda x, n=name: w.conv(x, n, 1 if n == "output" else 16, bias=bias) for name in names]
        image = Image("vdsr", (1, 13, 11))
        family.add(f"PyTorch {'with' if bias else 'without'} biases", w,
                   [({"scale": 1, "image": image}, vdsr_forward(w, image.values, convs))])
    w = Weights()
    convs = [lambda x, i=index: cell_conv(w, x, i, 1 if i == 20 else 8) for index in range(1, 21)]
    image = Image("vdsr cells", (1, 12, 14))
    family.add("the authors' MatConvNet cells, 20 layers", w,
               [({"scale": 1, "image": image}, vdsr_forward(w, image.values, convs))])
    return family


def mzsr():
    """As VDSR, on the upscaled colours."""
    family = Family("mzsr")
    for depth, width in ((8, 16), (4, 32)):
        w = Weights()
        convs = [lambda x, i=i: w.conv(x, f"conv{i}", 3 if i == depth else width) for i in range(1, depth + 1)]
        image = Image(f"mzsr {depth}", (3, 12, 10))
        family.add(f"{depth} convolutions", w,
                   [({"scale": 1, "image": image}, vdsr_forward(w, image.values, convs))])
    return family


def srcnn():
    family = Family("srcnn")
    for side in (1, 3, 5):
        w = Weights()
        image = Image(f"srcnn 9-{side}-5", (1, 14, 12))
        x = relu(w.conv(image.values, "conv1", 16, 9))
        made = w.conv(relu(w.conv(x, "conv2", 8, side)), "conv3", 1, 5)
        family.add(f"9-{side}-5", w, [({"scale": 1, "image": image}, made)])
    return family


def espcn():
    family = Family("espcn")
    for scale in (2, 3, 4):
        w = Weights()
        image = Image(f"espcn x{scale}", (1, 12, 9))
        x = np.tanh(w.conv(image.values, "first_part.0", 16, 5))
        x = np.tanh(w.conv(x, "first_part.2", 8, 3))
        made = pixel_shuffle(w.conv(x, "last_part.0", scale**2), scale)
        family.add(f"x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def fsrcnn_features(w, image, wide, narrow, depth):
    x = w.prelu(w.conv(image, "first_part.0", wide, 5), "first_part.1")
    x = w.prelu(w.conv(x, "mid_part.0", narrow, 1), "mid_part.1")
    for i in range(1, depth + 1):
        x = w.prelu(w.conv(x, f"mid_part.{2 * i}", narrow), f"mid_part.{2 * i + 1}")
    return w.prelu(w.conv(x, f"mid_part.{2 * depth + 2}", wide, 1, bias_offset=0.5), f"mid_part.{2 * depth + 3}")


def fsrcnn():
    """No shape tells the scale, but a gray area stays gray for one only: the offset of the last weights sees to it."""
    family = Family("fsrcnn")
    for scale, depth, size in ((2, 4, (10, 11)), (3, 1, (9, 8)), (4, 2, (7, 8))):
        w, wide = Weights(), 8
        gray = fsrcnn_features(w, np.full((1, 32, 32), 0.5), wide, 4, depth)[:, 16, 16]
        assert gray.sum() > 1.0, gray
        bias = w.constant("last_part.bias", (1,), [0.03])
        # A gray output pixel is the bias and, on average, 81 / scale^2 taps of every feature.
        offset = (0.5 - 0.03) * scale**2 / (81 * gray.sum())
        weight = w.tensor("last_part.weight", (wide, 1, 9, 9), 0.5 * offset, offset)
        image = Image(f"fsrcnn x{scale}", (1, *size))
        features = fsrcnn_features(w, image.values, wide, 4, depth)
        made = conv_transpose2d(features, weight, bias, scale, 4, scale - 1)
        family.add(f"{depth} mapping layers, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


FAMILIES = [srvgg, vdsr, mzsr, srcnn, espcn, fsrcnn]
