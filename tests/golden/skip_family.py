"""The hourglass of Deep Image Prior (Ulyanov et al., CVPR 2018; models/skip.py), and DIP-FKP's with non-local blocks
(Liang et al., CVPR 2021; model/networks.py, non_local_dot_product.py).

The published files of neither have stable names (nested Sequentials): `level.layer.tensor` are this test's own."""

import numpy as np

from layers import batch_norm, bilinear, conv2d, leaky, max_pool, nearest, pad, sigmoid
from recorder import Family, Image, Weights


def normalise(w, x, name):
    count = x.shape[0]
    return batch_norm(x, w.tensor(name + ".gain", (count,), 0.3, 1.0), w.tensor(name + ".shift", (count,), 0.3))


def convolve(w, x, name, out, side=1, stride=1):
    """Borders are reflected."""
    border = side // 2
    wider = pad(x, border, border, border, border, "reflect") if border else x
    weight = w.conv_weight(name + ".weight", (out, x.shape[0], side, side))
    return conv2d(wider, weight, w.tensor(name + ".bias", (out,), w.bias), stride)


def layer(w, x, name, out, side=1, stride=1):
    return leaky(normalise(w, convolve(w, x, name, out, side, stride), name), 0.2)


def non_local(w, x, name):
    """Dot product over all places, keys and values at half size; batch normalisation behind the way back."""
    whole, height, width = x.shape
    half = max(1, whole // 2)
    value = max_pool(convolve(w, x, name + ".value", half), 2, 2).reshape(half, -1)
    key = max_pool(convolve(w, x, name + ".key", half), 2, 2).reshape(half, -1)
    query = convolve(w, x, name + ".query", half).reshape(half, -1)
    alike = query.T @ key / key.shape[1]
    found = (alike @ value.T).T.reshape(half, height, width)
    return x + normalise(w, convolve(w, found, name + ".back", whole), name + ".back")


def level(w, x, i, spec):
    skip = layer(w, x, f"{i}.skip", spec["skip"][i]) if spec["skip"][i] else x[:0]
    y = layer(w, x, f"{i}.down", spec["down"][i], spec["down_filter"], 2)
    if spec["non_local"] and i > 1:
        y = non_local(w, y, f"{i}.non_local")
    y = layer(w, y, f"{i}.second", spec["down"][i], spec["down_filter"])
    if i + 1 < len(spec["down"]):
        y = level(w, y, i + 1, spec)
    y = bilinear(y, 2 * y.shape[1], 2 * y.shape[2]) if spec["bilinear"] else nearest(y, 2)
    y = normalise(w, np.concatenate([skip, y]), f"{i}.joint")
    y = layer(w, y, f"{i}.up", spec["up"][i], 3)
    return layer(w, y, f"{i}.point", spec["up"][i]) if spec["point_wise_up"] else y


def skip_network():
    family = Family("dip")
    plain = {"inputs": 5, "outputs": 3, "down": [16, 32, 16], "up": [16, 16, 32], "skip": [4, 0, 3], "down_filter": 3,
             "bilinear": True, "point_wise_up": True, "non_local": False}
    variants = (
        ("bilinear", {}, (32, 48)),
        ("nearest neighbours, no 1x1 convolution, gray", {"bilinear": False, "point_wise_up": False, "outputs": 1},
         (32, 16)),
        ("no skip branch", {"skip": [0, 0, 0], "inputs": 2}, (16, 40)),
        ("5x5 filters", {"down_filter": 5, "down": [16, 16], "up": [16, 16], "skip": [4, 4]}, (32, 24)),
        ("non-local blocks", {"non_local": True, "skip": [16, 16, 16], "inputs": 3}, (32, 40)),
    )
    for title, changes, size in variants:
        spec = plain | changes
        w = Weights()
        image = Image(f"noise {title}", (spec["inputs"], *size), 0.05, 0.05)
        made = sigmoid(convolve(w, level(w, image.values, 0, spec), "last", spec["outputs"]))
        family.add(title, w, [({"image": image}, made)], spec=spec)
    return family


FAMILIES = [skip_network]
