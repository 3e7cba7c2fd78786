"""Networks from SDR to HDR: FDAN (authors' code CS-GangXu/FDAN, `fdan.py`); colours from ITU-R BT.709 and BT.2020."""

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


# ITU-R BT.709 and BT.2020 give Y' as a row; Cb and Cr follow from it.
def to_ycbcr_matrix(red, blue):
    luma = np.array([red, 1 - red - blue, blue])
    return np.stack([luma, (np.array([0, 0, 1]) - luma) / (2 - 2 * blue), (np.array([1, 0, 0]) - luma) / (2 - 2 * red)])


def studio(bits):
    """Black and excursion of Y', Cb and Cr in codes of studio range."""
    unit = 2 ** (bits - 8)
    return np.array([16, 128, 128]) * unit, np.array([219, 224, 224]) * unit


def hdr_of_photo(w, rgb, width, blocks, scale):
    """sRGB numbers in [0, 1] [3, h, w] to R'G'B' of BT.2020 behind PQ [3, sh, sw]; the photo is mirrored at its edges."""
    zero, span = studio(8)
    codes = np.einsum("ij,jhw->ihw", to_ycbcr_matrix(0.2126, 0.0722), rgb) * span[:, None, None] + zero[:, None, None]
    pad = 8
    seen = np.pad(codes / 255, ((0, 0), (pad, pad), (pad, pad)), mode="symmetric")
    made = fdan_forward(w, seen, width, blocks, scale)[:, pad * scale : -pad * scale, pad * scale : -pad * scale] * 1023
    zero, span = studio(10)
    back = np.linalg.inv(to_ycbcr_matrix(0.2627, 0.0593))
    return np.clip(np.einsum("ij,jhw->ihw", back, (made - zero[:, None, None]) / span[:, None, None]), 0, 1)


def hdr_photo():
    """The whole way of a photo, colours included."""
    family = Family("hdr_photo")
    w = Weights(gain=0.5)
    w.tensor("upsampler.0.bias", (12,), 0.02, 0.5)  # near the middle of all codes, so that little is clamped
    image = Image("hdr photo", (3, 40, 33))
    made = hdr_of_photo(w, np.floor(image.values * 255 + 0.5) / 255, 16, 1, 2)
    family.add("1 block of 16, x2", w, [({"scale": 2, "image": image}, made)])
    return family


FAMILIES = [fdan, hdr_photo]
