"""Meta-SR (Hu 2019) on RDN and on EDSR: one network for every scale. Colours to 255."""

import numpy as np

from attention_family import shift
from dense_family import RDN_NAMES
from edsr_family import BIAS, MEAN, residual
from layers import relu
from recorder import Family, Image, Weights


def rdn_features(w, x, width, growth, blocks, depth):
    first, second, layer, lff, gff, _ = RDN_NAMES["EDSR-PyTorch"]
    start = w.conv(x, first, width, gain=0.02)
    x, made = w.conv(start, second, width), []
    for b in range(blocks):
        y = x
        for c in range(depth):
            y = np.concatenate([y, relu(w.conv(y, layer.format(b, c), growth))])
        x = w.conv(y, lff.format(b), width, 1) + x
        made.append(x)
    return w.conv(w.conv(np.concatenate(made), gff.format(0), width, 1), gff.format(1), width) + start


def edsr_features(w, x, width, blocks):
    head = w.conv(x, "head.0", width, gain=0.02)
    y = head
    for i in range(blocks):
        y = residual(w, y, f"body.{i}.body.0", f"body.{i}.body.2")
    return w.conv(y, f"body.{blocks}", width) + head


def meta_upscale(w, features, hidden, scale, height, width):
    """Pixel by pixel: three numbers, (1 / scale, row's rest, column's rest), become the weights of a convolution."""
    channels = features.shape[0]
    name = "P2W.meta_block."
    weights = (w.conv_weight(name + "0.weight", (hidden, 3), 2.0), w.tensor(name + "0.bias", (hidden,), 0.3),
               w.conv_weight(name + "2.weight", (27 * channels, hidden), 3.0),
               w.tensor(name + "2.bias", (27 * channels,), 1.0))
    padded = np.pad(features, ((0, 0), (1, 1), (1, 1)))
    made = np.empty((3, height, width))
    for i in range(height):
        for j in range(width):
            row, column = int(i / scale + 1e-9), int(j / scale + 1e-9)
            place = np.array([1.0 / scale, i / scale - row, j / scale - column])
            filters = weights[2] @ relu(weights[0] @ place + weights[1]) + weights[3]
            patch = padded[:, row:row + 3, column:column + 3].ravel()
            made[:, i, j] = patch @ filters.reshape(9 * channels, 3)
    return made


def meta_family(name, features):
    family = Family(name)
    for scales, size in (((2.0, 2.7, 3.0), (6, 7)), ((4.0, 1.5, np.pi), (5, 6))):
        w, runs = Weights(bias=BIAS / 10.0), []
        image = Image(f"{name} {size}", (3, *size))
        x = features(w, shift(w, image.values * 255.0, "sub_mean", -1.0, np.eye(3)))
        for scale in scales:
            height, width = (int(np.ceil(scale * length - 1e-9)) for length in size)
            made = shift(w, meta_upscale(w, x, 10, scale, height, width), "add_mean", 1.0, np.eye(3)) / 255.0
            settings = {"scale": int(scale), "image": image}
            if scale != int(scale):
                settings["grid"] = [float(scale), height, width]
            runs.append((settings, made))
        family.add(f"x{scales}", w, runs)
    return family


def metardn():
    return meta_family("metardn", lambda w, x: rdn_features(w, x, 8, 4, 2, 2))


def metaedsr():
    return meta_family("metaedsr", lambda w, x: edsr_features(w, x, 16, 2))


FAMILIES = [metardn, metaedsr]
