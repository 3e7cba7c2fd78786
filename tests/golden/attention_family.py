"""Networks with attention: LatticeNet (Luo 2020). Colours to 255."""

import numpy as np

from edsr_family import BIAS, MEAN
from layers import conv2d, leaky, pixel_shuffle, relu, sigmoid
from recorder import Family, Image, Weights


# A little of the other colours, as training left it in the published file.
MIX = np.array([[0.92, -0.04, 0.01], [-0.02, 0.97, -0.02], [0.01, -0.01, 0.95]])


def shift(w, x, name, sign):
    weight = w.constant(name + ".weight", (3, 3, 1, 1), MIX)
    return conv2d(x, weight, w.constant(name + ".bias", (3,), sign * 255.0 * MEAN))


def squeeze(w, z, first, second, few, gain=1.0):
    """Two 1x1 convolutions of one number a channel, down to `few` and up again, and a sigmoid."""
    z = z.reshape(-1, 1, 1)
    return sigmoid(w.conv(relu(w.conv(z, first, few, 1)), second, z.shape[0], 1, gain=gain))


def lattice_weights(w, x, name, few):
    """Half of what the means say and half of what the deviations (N - 1) say."""
    flat = x.reshape(x.shape[0], -1)
    parts = [squeeze(w, z, f"{name}.{part}.0", f"{name}.{part}.2", few, 0.05)
             for part, z in (("conv_mean", flat.mean(axis=1)), ("conv_std", flat.std(axis=1, ddof=1)))]
    return 0.5 * sum(parts)


def lattice_block(w, x, name, few):
    width = x.shape[0]

    def chain(y, part):
        for i, out in ((0, 3 * width // 4), (2, 3 * width // 4), (4, width)):
            y = leaky(w.conv(y, f"{name}{part}.{i}", out), 0.05)
        return y

    f = chain(x, "conv_block0")
    p = x + lattice_weights(w, f, name + "fea_ca1", few) * f
    q = f + lattice_weights(w, x, name + "x_ca1", few) * x
    g = chain(p, "conv_block1")
    both = np.concatenate([g + lattice_weights(w, q, name + "fea_ca2", few) * q,
                           q + lattice_weights(w, g, name + "x_ca2", few) * g])
    return w.conv(both, name + "compress", width, 1)


def latticenet_forward(w, image, width, few, scale):
    """The mean shifts are trained layers here, not frozen ones."""
    x = shift(w, image * 255.0, "sub_mean", -1.0)
    start = w.conv(w.conv(x, "conv1", width), "conv2", width)
    made, x = [], start
    for b in range(1, 5):
        x = lattice_block(w, x, f"body_unit{b}.", few)
        made.append(x)
    # From the last block back to the first, half of the channels from each side.
    x = made[3]
    for i in range(1, 4):
        x = np.concatenate([relu(w.conv(x, f"T_tdm{i}.0", width // 2, 1)),
                            relu(w.conv(made[3 - i], f"L_tdm{i}.0", width // 2, 1))])
    x = w.conv(x + start, "tail.0", width)
    x = pixel_shuffle(w.conv(x, "tail.1", 3 * scale**2), scale)
    return shift(w, x, "add_mean", 1.0) / 255.0


def latticenet():
    family = Family("latticenet")
    for scale, width, few, size in ((2, 16, 1, (9, 8)), (3, 8, 2, (8, 7)), (4, 12, 3, (7, 9))):
        w = Weights(bias=BIAS)
        image = Image(f"latticenet x{scale}", (3, *size))
        made = latticenet_forward(w, image.values, width, few, scale)
        family.add(f"{width} channels, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


FAMILIES = [latticenet]
