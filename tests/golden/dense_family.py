"""Densely connected networks: RDN (Zhang 2018), SRDenseNet (Tong 2017), MSRN (Li 2018), ProSR (Wang 2018)."""

import numpy as np

from attention_family import around
from edsr_family import BIAS, MEAN, upsample
from layers import conv2d, imresize_up, pad, pixel_shuffle, relu
from light_family import add_network
from recorder import Family, Image, Weights

# first, second convolution; a block's layer, its fusion; global fusion, upsampling
RDN_NAMES = {
    "EDSR-PyTorch": ("SFENet1", "SFENet2", "RDBs.{}.convs.{}.conv.0", "RDBs.{}.LFF", "GFF.{}", "UPNet.{}"),
    "yjn870": ("sfe1", "sfe2", "rdbs.{}.layers.{}.conv", "rdbs.{}.lff", "gff.{}", "upscale.{}"),
}


def rdn_forward(w, image, last, style, width, growth, blocks, depth, scale):
    """EDSR-PyTorch narrows to the growth while enlarging; in yjn870's code the width stays."""
    sfe1, sfe2, layer, lff, gff, up = RDN_NAMES[style]
    start = w.conv(image, sfe1, width)
    x, made = w.conv(start, sfe2, width), []
    for b in range(blocks):
        y = x
        for c in range(depth):
            y = np.concatenate([y, relu(w.conv(y, layer.format(b, c), growth))])
        x = w.conv(y, lff.format(b), width, 1) + x
        made.append(x)
    x = w.conv(w.conv(np.concatenate(made), gff.format(0), width, 1), gff.format(1), width) + start
    factors = [2, 2] if scale == 4 else [scale]
    for i, factor in enumerate(factors):
        thin = growth if style == "EDSR-PyTorch" else width
        x = pixel_shuffle(w.conv(x, up.format(2 * i), thin * factor**2), factor)
    name = up.format(2 * len(factors)) if style == "EDSR-PyTorch" else "output"
    weight = w.conv_weight(name + ".weight", (3, x.shape[0], 3, 3), 0.4)
    return conv2d(x, weight, w.constant(name + ".bias", (3,), last), 1, 1)


def rdn():
    family = Family("rdn")
    for style, colours, scale, blocks, size in (
            ("EDSR-PyTorch", 255.0, 2, 2, (9, 8)), ("EDSR-PyTorch", 1.0, 3, 1, (7, 8)),
            ("EDSR-PyTorch", 1.0, 4, 2, (6, 7)), ("yjn870", 1.0, 2, 2, (8, 9)), ("yjn870", 1.0, 3, 1, (7, 8)),
            ("yjn870", 1.0, 4, 2, (6, 7))):
        add_network(family, f"{style}'s names, {blocks} blocks, x{scale}, colours to {colours:g}",
                    lambda: Weights(bias=BIAS if colours > 1.0 else 0.1, gain=0.7),
                    lambda w, image, last: rdn_forward(w, image, last, style, 12, 8, blocks, 3, scale), scale, colours,
                    (size,), False)
    return family


def srdensenet_forward(w, image, growth, blocks, depth, thin):
    """A block's first layer sees the block's input, the others only the results of the layers before them."""
    x = relu(w.conv(image, "conv.conv", growth * depth, gain=2.0))
    for b in range(blocks):
        y = relu(w.conv(x, f"dense_blocks.{b}.block.0.conv", growth))
        for k in range(1, depth):
            y = np.concatenate([y, relu(w.conv(y, f"dense_blocks.{b}.block.{k}.conv", growth))])
        x = np.concatenate([x, y])
    x = relu(w.conv(x, "bottleneck.0", thin, 1))
    for i in (0, 2):
        x = relu(w.deconv(x, f"deconv.{i}", thin, 3, 2, 1, 1))
    return w.conv(x, "reconstruction", 1, gain=0.5)


def srdensenet():
    """Luma, enlarged four times."""
    family = Family("srdensenet")
    for growth, blocks, depth, size in ((4, 2, 3, (9, 8)), (2, 3, 4, (7, 8))):
        w = Weights(gain=1.4)
        image = Image(f"srdensenet {blocks}", (1, *size))
        made = srdensenet_forward(w, image.values, growth, blocks, depth, 10)
        family.add(f"{blocks} blocks", w, [({"scale": 4, "image": image}, made)])
    return family


def msrn_block(w, x, name):
    """3x3 and 5x5 side by side, twice; both second ones see both first ones."""
    width, y = x.shape[0], x
    for k in (1, 2):
        y = np.concatenate([relu(w.conv(y, f"{name}conv_{side}_{k}", k * width, side)) for side in (3, 5)])
    return w.conv(y, name + "confusion", width, 1) + x


def msrn_body(w, x, width, blocks, scale):
    head = w.conv(x, "head.0", width, gain=0.02)
    made = [head]
    for b in range(blocks):
        made.insert(b, msrn_block(w, made[b - 1] if b else head, f"body.{b}."))
    # The head's result comes last.
    x = w.conv(w.conv(np.concatenate(made), "tail.0", width, 1), "tail.1", width)
    return w.conv(upsample(w, x, "tail.2.{}", scale), "tail.3", 3, gain=40.0)


def msrn():
    family = Family("msrn")
    for scale, blocks, size in ((2, 3, (9, 8)), (3, 1, (7, 8)), (4, 2, (6, 7)), (8, 1, (4, 5))):
        w = Weights()
        image = Image(f"msrn x{scale}", (3, *size))
        made = around(w, image.values, lambda x: msrn_body(w, x, 8, blocks, scale))
        family.add(f"{blocks} blocks, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def mirrored(w, x, name, out, gain=None):
    """A pixel mirrored all around, then 3x3 without zeros."""
    return w.conv(pad(x, 1, 1, 1, 1, "reflect"), name + ".conv.1", out, pad=0, gain=gain)


def prosr_block(w, x, name, depth, growth, narrow):
    y = x
    for k in range(1, depth + 1):
        part = f"{name}dense_block.denselayer{k}."
        z = relu(w.conv(y, part + "conv_1", narrow, 1))
        y = np.concatenate([y, mirrored(w, z, part + "conv_2", growth)])
    return 0.2 * w.conv(y, name + "comp.conv1", x.shape[0], 1, bias=False, gain=3.0) + x


def prosr_forward(w, image, width, level_blocks, scale):
    """Every scale has a first convolution and a last one of its own; the levels in between are shared."""
    levels = scale.bit_length() - 1
    photo = (image - MEAN) * 255.0
    x = mirrored(w, photo, f"init_conv_{levels}", width, 0.02)
    for s in range(1, levels + 1):
        name, y = f"pyramid_residual_{s}", x
        if s > 1:
            y = w.conv(y, f"{name}.compression_{s - 1}.conv1", width, 1, bias=False)
        for b in range(1, level_blocks[s - 1] + 1):
            y = prosr_block(w, y, f"{name}.residual_denseblock_{b}.", 3, 4, 8)
        x = mirrored(w, y, name + ".final_conv.final_conv", width) + x
        x = relu(pixel_shuffle(mirrored(w, x, name + "_residual_upsampler.m.0", 4 * width), 2))
    return mirrored(w, x, f"reconst_{levels}.final_conv", 3, 20.0) / 255.0 + imresize_up(image, scale)


def prosr():
    family = Family("prosr")
    for level_blocks in ((2, 1, 1), (1,)):
        w, runs = Weights(), []
        for level in range(1, len(level_blocks) + 1):
            image = Image(f"prosr {level_blocks} x{2**level}", (3, 8 - level, 7))
            made = prosr_forward(w, image.values, 10, level_blocks, 2**level)
            runs.append(({"scale": 2**level, "image": image}, made))
        family.add(f"{len(level_blocks)} levels", w, runs)
    return family


FAMILIES = [rdn, srdensenet, msrn, prosr]
