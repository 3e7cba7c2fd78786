"""This project's own demosaicing network, from `networks/demosaic.cpp`: a correction of given colours."""

import numpy as np

from layers import pixel_shuffle, pixel_unshuffle, relu
from recorder import Family, Image, Weights


def demosaic_forward(w, image, maps, width, depth):
    """Groups of 2 x 2 pixels are channels; residual blocks; the result is added to the colours."""
    x = w.conv(pixel_unshuffle(np.concatenate([image, maps]), 2), "mosaic.head", width)
    for i in range(depth):
        name = f"mosaic.body.{i}"
        x = x + w.conv(relu(w.conv(x, name + ".0", width)), name + ".2", width)
    return pixel_shuffle(w.conv(x, "mosaic.tail", 12), 2) + image


def demosaic():
    family = Family("demosaic")
    for width, depth, size in ((16, 2, (10, 12)), (32, 1, (8, 6))):
        w = Weights()
        image = Image(f"mosaic colours {depth}", (3, *size))
        maps = Image(f"mosaic maps {depth}", (2, *size))
        made = demosaic_forward(w, image.values, maps.values, width, depth)
        family.add(f"{depth} blocks of {width}", w, [({"scale": 1, "image": image, "maps": maps}, made)])
    return family


FAMILIES = [demosaic]
