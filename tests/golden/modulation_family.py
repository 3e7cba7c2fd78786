"""Light networks that weigh their features: BSRN (Li 2022), SMFANet (Zheng 2024), SAFMN (Sun 2023), SPAN (Wan 2024)."""

import numpy as np

from edsr_family import MEAN
from layers import adaptive_max_pool, bilinear, conv2d, gelu, layer_norm, nearest_to, relu, sigmoid, silu
from light_family import add_network, attention, tail
from recorder import Family, Weights


def blueprint(w, x, name, out, side=3, stride=1, pad=None):
    """1x1 convolution without bias, then a depthwise one."""
    x = w.conv(x, name + ".pw", out, 1, bias=False)
    return w.conv(x, name + ".dw", out, side, stride, pad, groups=out)


def contrast_attention(w, x, name, few):
    z = (x.std(axis=(1, 2)) + x.mean(axis=(1, 2))).reshape(-1, 1, 1)
    return x * sigmoid(w.conv(relu(w.conv(z, name + "conv_du.0", few, 1)), name + "conv_du.2", x.shape[0], 1))


def bsrn_block(w, x, name, few):
    width = x.shape[0]
    parts, y = [], x
    for k in (1, 2, 3):
        parts.append(gelu(w.conv(y, f"{name}c{k}_d", width // 2, 1)))
        y = gelu(blueprint(w, y, f"{name}c{k}_r", width) + y)
    parts.append(gelu(blueprint(w, y, name + "c4", width // 2)))
    y = w.conv(np.concatenate(parts), name + "c5", width, 1)

    def conv(z, part, out, side=3, stride=1, pad=None):
        return blueprint(w, z, part, out, side, stride, pad)

    # gelu also comes between the pooled map and the third convolution.
    y = attention(w, y, name + "esa.", few, ["conv_max", "conv3", "conv3_"], 1.0, conv, gelu)
    return contrast_attention(w, y, name + "cca.", max(1, width // 16)) + x


def bsrn_forward(w, image, last, width, blocks, few, scale):
    """The colours are repeated four times."""
    first = blueprint(w, np.concatenate([image] * 4), "fea_conv", width)
    made, x = [], first
    for b in range(1, blocks + 1):
        x = bsrn_block(w, x, f"B{b}.", few)
        made.append(x)
    x = blueprint(w, gelu(w.conv(np.concatenate(made), "c1", width, 1)), "c2", width) + first
    return tail(w, x, "upsampler.upsampleOneStep.0", scale, last)


def bsrn():
    family = Family("bsrn")
    for blocks, width, scale, sizes in ((2, 16, 2, ((17, 19),)), (1, 12, 3, ((16, 18),)), (2, 32, 4, ((18, 15),))):
        add_network(family, f"{blocks} blocks of {width}, x{scale}", lambda: Weights(gain=1.2),
                    lambda w, image, last: bsrn_forward(w, image, last, width, blocks, width // 4, scale), scale, 1.0,
                    sizes)
    return family


def unit_channels(x):
    return x / np.maximum(np.sqrt((x**2).sum(axis=0)), 1e-12)


def smfa(w, f, name):
    """Local detail of half the channels, and the other half weighed by a coarse map and its variance."""
    width, (_, height, columns) = f.shape[0], f.shape
    both = w.conv(f, name + "linear_0", 2 * width, 1)
    y, x = both[:width], both[width:]
    coarse = w.conv(adaptive_max_pool(x, height // 8, columns // 8), name + "dw_conv", width, groups=width)
    spread = x.var(axis=(1, 2), ddof=1)[:, None, None]
    alpha = w.tensor(name + "alpha", (1, width, 1, 1), 0.3, 1.0)[0]
    belt = w.tensor(name + "belt", (1, width, 1, 1), 0.5, 0.5)[0]
    coarse = gelu(w.conv(coarse * alpha + spread * belt, name + "linear_1", width, 1, gain=2.0))
    y = w.conv(w.conv(y, name + "lde.conv_0.0", 2 * width, groups=width), name + "lde.conv_0.1", 2 * width, 1)
    y = w.conv(gelu(y), name + "lde.conv_1", width, 1)
    return w.conv(x * nearest_to(coarse, height, columns) + y, name + "linear_2", width, 1)


def pcfn(w, x, name):
    y = gelu(w.conv(x, name + "conv_0", 2 * x.shape[0], 1))
    part = y.shape[0] // 4
    y = np.concatenate([gelu(w.conv(y[:part], name + "conv_1", part)), y[part:]])
    return w.conv(y, name + "conv_2", x.shape[0], 1)


def smfanet_forward(w, image, last, width, blocks, scale):
    first = w.conv(image, "to_feat", width)
    x = first
    for b in range(blocks):
        x = smfa(w, unit_channels(x), f"feats.{b}.smfa.") + x
        x = pcfn(w, unit_channels(x), f"feats.{b}.pcfn.") + x
    return tail(w, x + first, "to_img.0", scale, last)


def smfanet():
    family = Family("smfanet")
    for blocks, width, scale, sizes in ((2, 12, 2, ((16, 19), (25, 31))), (1, 8, 3, ((17, 16),)),
                                        (2, 8, 4, ((19, 17),))):
        add_network(family, f"{blocks} blocks of {width}, x{scale}", lambda: Weights(gain=1.2),
                    lambda w, image, last: smfanet_forward(w, image, last, width, blocks, scale), scale, 1.0, sizes)
    return family


def safm(w, x, name, shift, bias):
    """Quarters of the channels at four sizes; the pyramid's second level is 2^(1 + shift) times smaller."""
    width, height, columns = x.shape
    part, made = width // 4, []
    for i in range(4):
        y = x[i * part:(i + 1) * part]
        if i:
            y = adaptive_max_pool(y, height // 2**(i + shift), columns // 2**(i + shift))
        y = w.conv(y, f"{name}mfr.{i}", part, groups=part, bias=bias)
        made.append(nearest_to(y, height, columns))
    return gelu(w.conv(np.concatenate(made), name + "aggr", width, 1, bias=bias)) * x


def ccm(w, x, name, bias):
    y = gelu(w.conv(x, name + "ccm.0", 2 * x.shape[0], bias=bias))
    return w.conv(y, name + "ccm.2", x.shape[0], 1, bias=bias)


def safmn_forward(w, image, last, width, blocks, scale):
    first = w.conv(image, "to_feat", width)
    x = first
    for b in range(blocks):
        name = f"feats.{b}."
        x = safm(w, layer_norm(x, *w.norm_parts(name + "norm1", width), 1e-6), name + "safm.", 0, True) + x
        x = ccm(w, layer_norm(x, *w.norm_parts(name + "norm2", width), 1e-6), name + "ccm.", True) + x
    return tail(w, x + first, "to_img.0", scale, last)


def safmn_contest_forward(w, image, last, width, blocks, scale):
    """NTIRE 2023: channels are weighed by their norms once, blocks without norms and biases, plus bilinear."""
    x = w.conv(image, "to_feat", width)
    norms = np.sqrt((x**2).sum(axis=(1, 2), keepdims=True))
    share = norms / (norms.mean(axis=0) + 1e-6)
    gamma = w.tensor("norm.gamma", (1, width, 1, 1), 0.5, 0.2)[0]
    x = gamma * x * share + w.tensor("norm.beta", (1, width, 1, 1), 0.2)[0] + x
    for b in range(blocks):
        x = safm(w, x, f"feats.{b}.safm.", 1, False) + x
        x = ccm(w, x, f"feats.{b}.ccm.", False) + x
    enlarged = bilinear(image, image.shape[1] * scale, image.shape[2] * scale)
    return tail(w, x, "to_img.0", scale, last) + enlarged


def safmn():
    family = Family("safmn")
    for title, forward, blocks, width, scale, sizes in (
            ("author's", safmn_forward, 2, 12, 2, ((16, 19), (23, 17))),
            ("author's", safmn_forward, 1, 8, 3, ((17, 16),)),
            ("author's", safmn_forward, 2, 8, 4, ((16, 17),)),
            ("NTIRE 2023", safmn_contest_forward, 2, 12, 4, ((17, 19),))):
        add_network(family, f"{title}, {blocks} blocks of {width}, x{scale}", lambda: Weights(gain=0.8),
                    lambda w, image, last: forward(w, image, last, width, blocks, scale), scale, 1.0, sizes)
    return family


def merged(w, x, name, out, gain):
    return w.conv(x, name + ".eval_conv", out, gain=gain)


def branched(w, x, name, out, gain):
    """The training form: 1x1, 3x3 and 1x1 in a row beside a 1x1. Used as one 3x3 convolution with zeros around its
    input."""
    width = x.shape[0]
    shapes = {"conv.0": (2 * width, width, 1, 1), "conv.1": (2 * out, 2 * width, 3, 3), "conv.2": (out, 2 * out, 1, 1),
              "sk": (out, width, 1, 1)}
    taps, shifts = {}, {}
    for part, shape in shapes.items():
        taps[part] = w.conv_weight(f"{name}.{part}.weight", shape, gain if part in ("conv.0", "sk") else 0.7)
        shifts[part] = w.tensor(f"{name}.{part}.bias", shape[:1], 0.1)
    rows, third = taps["conv.0"][:, :, 0, 0], taps["conv.2"][:, :, 0, 0]
    weight = np.einsum("op,pqyx,qi->oiyx", third, taps["conv.1"], rows)
    weight[:, :, 1, 1] += taps["sk"][:, :, 0, 0]
    bias = third @ (np.einsum("pqyx,q->p", taps["conv.1"], shifts["conv.0"]) + shifts["conv.1"])
    return conv2d(x, weight, bias + shifts["conv.2"] + shifts["sk"], 1, 1)


def span_forward(w, image, last, conv, width, scale):
    """Colours minus the mean, times 255; the sixth block's first convolution, activated, is one of four results."""
    first = conv(w, (image - MEAN) * 255.0, "conv_1", width, 0.01)
    x = first
    for b in range(1, 7):
        name = f"block_{b}."
        active = silu(conv(w, x, name + "c1_r", width, 1.3))
        y = conv(w, silu(conv(w, active, name + "c2_r", width, 1.3)), name + "c3_r", width, 1.3)
        x = (y + x) * (sigmoid(y) - 0.5)
        if b == 1:
            early = x
    y = np.concatenate([first, conv(w, x, "conv_2", width, 1.0), early, active])
    return tail(w, w.conv(y, "conv_cat", width, 1), "upsampler.0", scale, last)


def span():
    family = Family("span")
    for title, conv, width, scale, size in (("merged", merged, 12, 4, (7, 8)), ("merged", merged, 8, 2, (9, 8)),
                                            ("training form", branched, 8, 2, (8, 9))):
        add_network(family, f"{title}, {width} channels, x{scale}", Weights,
                    lambda w, image, last: span_forward(w, image, last, conv, width, scale), scale, 1.0, (size,))
    return family


FAMILIES = [bsrn, smfanet, safmn, span]
