"""Networks from SDR to HDR: FDAN (authors' code CS-GangXu/FDAN, `fdan.py`)."""

import numpy as np

from distillation_family import spatial_attention
from layers import leaky, pixel_shuffle, relu
from recorder import Family, Image, Weights


def fdan_block(w, x, name):
    """Three times: half of the channels goes deeper; what a 1x1 convolution takes from it is subtracted from the rest."""
    kept = []
    for i in range(3):
        direct, deep = np.split(x, 2)
        deep = relu(w.conv(deep, f"{name}c{i}_e", deep.shape[0], 1))
        kept.append(direct - deep)
        x = relu(w.conv(deep, f"{name}c{i}_f", deep.shape[0]))
    return spatial_attention(w, np.concatenate(kept + [x]), name + "esa.")


def fdan_forward(w, image, width, blocks, scale):
    first = relu(w.conv(image, "fea_conv", width))
    made, x = [], first
    for b in range(1, blocks + 1):
        x = fdan_block(w, x, f"B{b}.")
        made.append(x)
    x = w.conv(leaky(w.conv(np.concatenate(made), "c.0", width, 1), 0.05), "LR_conv", width) + first
    return pixel_shuffle(w.conv(x, "upsampler.0", 3 * scale**2), scale)


def fdan():
    family = Family("fdan")
    for width, blocks, scale, size in ((16, 2, 2, (26, 31)), (16, 1, 4, (33, 28))):
        w = Weights()
        image = Image(f"fdan {scale}", (3, *size))
        made = fdan_forward(w, image.values, width, blocks, scale)
        family.add(f"{blocks} blocks of {width}, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


FAMILIES = [fdan]
