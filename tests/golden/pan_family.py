"""PAN (Zhao et al. 2020, names and layout of zhaohengyuan1/PAN) and A2001SR (four convolutions)."""

import numpy as np

from edsr_family import factors
from layers import bicubic, bilinear, leaky, nearest, pixel_shuffle, relu, sigmoid
from recorder import Family, Image, Weights

LEAK = 0.2


def scpa(w, x, name, width):
    half = width // 2
    a = leaky(w.conv(x, name + ".conv1_a", half, side=1, bias=False), LEAK)
    b = leaky(w.conv(x, name + ".conv1_b", half, side=1, bias=False), LEAK)
    a = leaky(w.conv(a, name + ".k1.0", half, bias=False), LEAK)
    gate = sigmoid(w.conv(b, name + ".PAConv.k2", half, side=1))
    b = leaky(w.conv(w.conv(b, name + ".PAConv.k3", half, bias=False) * gate, name + ".PAConv.k4", half, bias=False), LEAK)
    return w.conv(np.concatenate([a, b]), name + ".conv3", width, side=1, bias=False) + x


def pan_forward(w, image, width, narrow, blocks, scale):
    first = w.conv(image, "conv_first", width)
    x = first
    for i in range(blocks):
        x = scpa(w, x, f"SCPA_trunk.{i}", width)
    x = w.conv(x, "trunk_conv", width) + first
    for i, factor in enumerate(factors(scale), 1):
        x = w.conv(nearest(x, factor), f"upconv{i}", narrow)
        x = leaky(x * sigmoid(w.conv(x, f"att{i}.conv", narrow, side=1)), LEAK)
        x = leaky(w.conv(x, f"HRconv{i}", narrow), LEAK)
    x = w.conv(x, "conv_last", 3)
    return x + bilinear(image, image.shape[1] * scale, image.shape[2] * scale)


def pan():
    family = Family("pan")
    for scale, size in ((2, (9, 8)), (3, (7, 8)), (4, (6, 7))):
        w = Weights()
        image = Image(f"pan x{scale}", (3, *size))
        made = pan_forward(w, image.values, 20, 12, 2, scale)
        family.add(f"2 blocks of 20, x{scale}", w, [({"scale": scale, "image": image}, made)],
                   remarks={"scales": str(scale)})
    return family


def a2001sr():
    family = Family("a2001sr")
    for scale in (2, 4):
        w = Weights()
        image = Image(f"a2001sr x{scale}", (3, 8, 7))
        x = relu(w.conv(image.values, "conv1", 32, side=5))
        x = relu(w.conv(x, "conv2", 64))
        x = w.conv(pixel_shuffle(w.conv(x, "conv3", 256), scale), "conv4", 3)
        made = x + bicubic(image.values, 8 * scale, 7 * scale)
        family.add(f"x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


FAMILIES = [pan, a2001sr]
