"""Networks that project up and down again: DBPN (Haris 2018) and SRFBN (Li 2019)."""

import numpy as np

from attention_family import shift
from edsr_family import MEAN
from layers import bilinear
from recorder import Family, Image, Weights

# side, stride and padding of the convolutions between the two sizes
STEP = {2: (6, 2, 2), 3: (7, 3, 2), 4: (8, 4, 2), 8: (12, 8, 2)}


def dbpn_conv(w, x, name, out, side=1, stride=1, pad=None, gain=1.3):
    return w.prelu(w.conv(x, name + ".conv", out, side, stride, pad, gain=gain), name + ".act", 1)


def dbpn_down(w, x, name, scale):
    return dbpn_conv(w, x, name, x.shape[0], *STEP[scale])


def dbpn_up(w, x, name, scale):
    return w.prelu(w.deconv(x, name + ".deconv", x.shape[0], *STEP[scale], gain=1.3), name + ".act", 1)


def dbpn_unit(w, x, name, kind, width, scale):
    """One way, back, and what was missed is added. Wider inputs are squeezed first, and compared so."""
    there, back = (dbpn_up, dbpn_down) if kind == "up" else (dbpn_down, dbpn_up)
    if x.shape[0] > width:
        x = dbpn_conv(w, x, name + ".conv", width)
    first = there(w, x, f"{name}.{kind}_conv1", scale)
    rest = back(w, first, f"{name}.{kind}_conv2", scale) - x
    return first + there(w, rest, f"{name}.{kind}_conv3", scale)


def dbpn_forward(w, image, wide, width, stages, scale):
    """All earlier results go into a unit, the newest first."""
    x = dbpn_conv(w, dbpn_conv(w, image, "feat0", wide, 3), "feat1", width)
    large, small = None, None
    for k in range(1, stages + 1):
        y = dbpn_unit(w, x if small is None else small, f"up{k}", "up", width, scale)
        large = y if large is None else np.concatenate([y, large])
        if k < stages:
            y = dbpn_unit(w, large, f"down{k}", "down", width, scale)
            small = y if small is None else np.concatenate([y, small])
    return w.conv(large, "output_conv.conv", 3, gain=0.5)


def dbpn():
    family = Family("dbpn")
    for scale, stages, size in ((2, 4, (9, 8)), (4, 3, (6, 7)), (8, 2, (5, 4)), (2, 7, (6, 7))):
        w = Weights()
        image = Image(f"dbpn x{scale}", (3, *size))
        made = dbpn_forward(w, image.values, 12, 6, stages, scale)
        family.add(f"{stages} stages, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def srfbn_conv(w, x, name, out, side=1, stride=1, pad=None, gain=1.3):
    return w.prelu(w.conv(x, name + ".0", out, side, stride, pad, gain=gain), name + ".1", 1)


def srfbn_up(w, x, name, scale):
    return w.prelu(w.deconv(x, name + ".0", x.shape[0], *STEP[scale], gain=1.3), name + ".1", 1)


def srfbn_block(w, x, hidden, groups, scale):
    """Concatenations are in the order of time; the block's input is not part of its result."""
    width = x.shape[0]
    small = [srfbn_conv(w, np.concatenate([x, hidden]), "block.compress_in", width)]
    large = []
    for g in range(groups):
        y = np.concatenate(small)
        if g:
            y = srfbn_conv(w, y, f"block.uptranBlocks.{g - 1}", width)
        large.append(srfbn_up(w, y, f"block.upBlocks.{g}", scale))
        y = np.concatenate(large)
        if g:
            y = srfbn_conv(w, y, f"block.downtranBlocks.{g - 1}", width)
        small.append(srfbn_conv(w, y, f"block.downBlocks.{g}", width, *STEP[scale]))
    return srfbn_conv(w, np.concatenate(small[1:]), "block.compress_out", width)


def srfbn_forward(w, image, width, groups, scale, steps=4):
    """Four steps with the same weights, each with the result of the one before; the last one's image is the result."""
    x = shift(w, image * 255.0, "sub_mean", -1.0, np.eye(3), MEAN)
    enlarged = bilinear(x, x.shape[1] * scale, x.shape[2] * scale)
    x = srfbn_conv(w, srfbn_conv(w, x, "conv_in", 4 * width, 3, gain=0.02), "feat_in", width)
    hidden = x
    for _ in range(steps):
        hidden = srfbn_block(w, x, hidden, groups, scale)
    y = w.conv(srfbn_up(w, hidden, "out", scale), "conv_out.0", 3, gain=40.0)
    return shift(w, enlarged + y, "add_mean", 1.0, np.eye(3), MEAN) / 255.0


def srfbn():
    """The number of steps, four, is not in a file."""
    family = Family("srfbn")
    for scale, groups, size in ((2, 3, (9, 8)), (3, 2, (7, 8)), (4, 3, (6, 7)), (8, 1, (4, 5))):
        w = Weights()
        image = Image(f"srfbn x{scale}", (3, *size))
        made = srfbn_forward(w, image.values, 6, groups, scale)
        family.add(f"{groups} groups, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


FAMILIES = [dbpn, srfbn]
