"""RealPLKSR (large kernels, Lee 2024) and SwinIR (Liang 2021); colours from 0 to 1."""

import numpy as np

from edsr_family import MEAN, upsample
from layers import gelu, group_norm, layer_norm, leaky, mish, nearest, pad, pixel_shuffle, sigmoid, softmax
from recorder import Family, Image, Weights


def plk_block(w, x, name, side, attends):
    """The large convolution takes a quarter of the channels and replaces them."""
    width, part = x.shape[0], x.shape[0] // 4
    y = mish(w.conv(x, name + "channel_mixer.0", 2 * width))
    y = w.conv(y, name + "channel_mixer.2", width)
    y = np.concatenate([w.conv(y[:part], name + "lk.conv", part, side), y[part:]])
    if attends:
        y = y * sigmoid(w.conv(y, name + "attn.f.0", width))
    y = w.conv(y, name + "refine", width, 1)
    return group_norm(y, 4, *w.norm_parts(name + "norm", width)) + x


def realplksr_forward(w, image, width, blocks, side, attends, scale):
    """A dropout has the number between the blocks and the last convolution. Every colour is added to all its pixels."""
    x = w.conv(image, "feats.0", width)
    for b in range(1, blocks + 1):
        x = plk_block(w, x, f"feats.{b}.", side, attends)
    x = w.conv(x, f"feats.{blocks + 2}", 3 * scale**2, gain=0.3)
    return pixel_shuffle(x + image.repeat(scale**2, axis=0), scale)


def realplksr():
    family = Family("realplksr")
    for scale, blocks, side, attends, size in ((1, 1, 17, True, (9, 8)), (2, 2, 17, True, (11, 9)),
                                               (3, 1, 13, False, (8, 7)), (4, 2, 13, False, (7, 8))):
        w = Weights()
        image = Image(f"realplksr x{scale}", (3, *size))
        made = realplksr_forward(w, image.values, 16, blocks, side, attends, scale)
        family.add(f"{blocks} blocks, {side}x{side}, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


SIDE = 8  # of a window


def windows(x):
    """[H, W, ...] to [windows, pixels, ...], row by row."""
    height, width = x.shape[0] // SIDE, x.shape[1] // SIDE
    y = x.reshape(height, SIDE, width, SIDE, -1).transpose(0, 2, 1, 3, 4)
    return y.reshape(height * width, SIDE * SIDE, -1)


def together(x, height, width):
    y = x.reshape(height // SIDE, width // SIDE, SIDE, SIDE, -1).transpose(0, 2, 1, 3, 4)
    return y.reshape(height, width, -1)


def position_bias(table):
    """[(2 * 8 - 1)^2, heads] to [heads, query, key]: the row is that of the query's place minus the key's."""
    rows, columns = np.divmod(np.arange(SIDE * SIDE), SIDE)
    down, right = (place[:, None] - place[None, :] + SIDE - 1 for place in (rows, columns))
    return table[down * (2 * SIDE - 1) + right].transpose(2, 0, 1)


def parted(height, width, step):
    """-100 between pixels that only the turning around of the shifted image has brought into one window."""
    def belt(length):
        places = np.arange(length)
        return (places >= length - SIDE).astype(int) + (places >= length - step)
    region = windows((3 * belt(height)[:, None] + belt(width)[None, :])[:, :, None])[:, :, 0]
    return np.where(region[:, :, None] == region[:, None, :], 0.0, -100.0)


def window_attention(w, x, name, heads, step):
    """x [H, W, C]."""
    height, width, channels = x.shape
    y = windows(np.roll(x, (-step, -step), (0, 1)))
    qkv = w.linear(y, name + "qkv", 3 * channels, gain=1.5)
    query, key, value = qkv.reshape(*y.shape[:2], 3, heads, channels // heads).transpose(2, 0, 3, 1, 4)
    scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(channels / heads)
    scores = scores + position_bias(w.tensor(name + "relative_position_bias_table", ((2 * SIDE - 1)**2, heads), 1.0))
    if step:
        scores = scores + parted(height, width, step)[:, None]
    y = (softmax(scores, -1) @ value).transpose(0, 2, 1, 3).reshape(y.shape)
    y = together(w.linear(y, name + "proj", channels), height, width)
    return np.roll(y, (step, step), (0, 1))


def swin_block(w, x, name, heads, step):
    channels = x.shape[-1]
    y = layer_norm(x, *w.norm_parts(name + "norm1", channels), axis=-1)
    x = x + window_attention(w, y, name + "attn.", heads, step)
    y = layer_norm(x, *w.norm_parts(name + "norm2", channels), axis=-1)
    return x + w.linear(gelu(w.linear(y, name + "mlp.fc1", 2 * channels)), name + "mlp.fc2", channels)


def joint(w, x, name, three):
    """One convolution, or three that are narrow in the middle."""
    if not three:
        return w.conv(x, name, x.shape[0])
    y = leaky(w.conv(x, name + ".0", x.shape[0] // 4), 0.2)
    return w.conv(leaky(w.conv(y, name + ".2", y.shape[0], 1), 0.2), name + ".4", x.shape[0])


def swinir_features(w, x, heads, layers, depth, three):
    first = x
    y = layer_norm(x.transpose(1, 2, 0), *w.norm_parts("patch_embed.norm", x.shape[0]), axis=-1)
    for i in range(layers):
        start = y
        for b in range(depth):
            y = swin_block(w, y, f"layers.{i}.residual_group.blocks.{b}.", heads, SIDE // 2 if b % 2 else 0)
        y = joint(w, y.transpose(2, 0, 1), f"layers.{i}.conv", three).transpose(1, 2, 0) + start
    y = layer_norm(y, *w.norm_parts("norm", x.shape[0]), axis=-1).transpose(2, 0, 1)
    return joint(w, y, "conv_after_body", three) + first


def classical(w, x, scale):
    x = leaky(w.conv(x, "conv_before_upsample.0", 8), 0.01)
    return w.conv(upsample(w, x, "upsample.{}", scale), "conv_last", 3, gain=0.5)


def light(w, x, scale):
    return pixel_shuffle(w.conv(x, "upsample.0", 3 * scale**2, gain=0.5), scale)


def real(w, x, scale):
    x = leaky(w.conv(x, "conv_before_upsample.0", 8), 0.01)
    for i in range(1, scale.bit_length()):
        x = leaky(w.conv(nearest(x, 2), f"conv_up{i}", 8), 0.2)
    return w.conv(leaky(w.conv(x, "conv_hr", 8), 0.2), "conv_last", 3, gain=0.5)


def swinir_forward(w, image, end, channels, heads, layers, depth, three, scale):
    """The image is continued by its mirror image, below and on the right, to a multiple of eight; the result is cut."""
    height, width = image.shape[1:]
    x = pad(image, 0, -height % SIDE, 0, -width % SIDE, "reflect") - MEAN
    x = swinir_features(w, w.conv(x, "conv_first", channels), heads, layers, depth, three)
    return end(w, x, scale)[:, :height * scale, :width * scale] + MEAN


def swinir():
    family = Family("swinir")
    for title, end, channels, heads, layers, depth, three, scale, sizes in (
            ("classical", classical, 12, 3, 2, 2, False, 2, ((16, 24), (13, 9))),
            ("classical", classical, 8, 2, 1, 4, False, 3, ((8, 16),)),
            ("classical", classical, 12, 2, 1, 2, False, 4, ((9, 8),)),
            ("light", light, 12, 6, 2, 2, False, 2, ((16, 8),)),
            ("light", light, 12, 3, 1, 3, False, 4, ((8, 10),)),
            ("real", real, 12, 3, 2, 2, False, 4, ((8, 16),)),
            ("real, three convolutions", real, 16, 4, 1, 2, True, 4, ((16, 8),)),
            ("real", real, 8, 2, 1, 2, False, 2, ((16, 8),))):
        w, runs = Weights(), []
        for size in sizes:
            image = Image(f"swinir {title} x{scale} {size}", (3, *size))
            made = swinir_forward(w, image.values, end, channels, heads, layers, depth, three, scale)
            runs.append(({"scale": scale, "image": image}, made))
        family.add(f"{title}, {layers} layers of {depth} blocks, x{scale}", w, runs)
    return family


FAMILIES = [realplksr, swinir]
