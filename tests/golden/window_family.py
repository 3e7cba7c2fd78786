"""Attention inside windows and between channels: HAT (Chen, X. 2023), DAT (Chen, Z. 2023), Omni-SR (Wang 2023).

Images are [C, H, W], tokens of a window [pixels, C]; windows, heads and pixels are gone through one by one.
"""

import numpy as np

from edsr_family import MEAN
from layers import batch_norm, bilinear, gelu, layer_norm, max_pool, pad, pixel_shuffle, relu, sigmoid, silu, softmax
from recorder import Family, Image, Weights
from transformer_family import classical, joint, light


def norm(w, x, name, eps=1e-5):
    return layer_norm(x, *w.norm_parts(name, x.shape[0]), eps=eps)


def linear(w, x, name, out, bias=True, gain=None):
    """A matrix for every pixel's channels."""
    weight = w.conv_weight(name + ".weight", (out, x.shape[0]), gain)
    y = np.einsum("oc,chw->ohw", weight, x)
    return y + w.tensor(name + ".bias", (out,), w.bias)[:, None, None] if bias else y


def attend(query, key, value, heads, bias):
    """query [P, C], key and value [Q, C], bias(head) [P, Q]."""
    depth = query.shape[1] // heads
    made = []
    for head in range(heads):
        q, k, v = (part[:, head * depth:(head + 1) * depth] for part in (query, key, value))
        made.append(softmax(q @ k.T / np.sqrt(depth) + bias(head), 1) @ v)
    return np.concatenate(made, axis=1)


def tokens(x, top, left, rows, columns):
    return x[:, top:top + rows, left:left + columns].reshape(x.shape[0], -1).T


def in_windows(qkv, heads, rows, columns, shift, table):
    """table[down, right, head] for the query's place minus the key's, counted from the smallest."""
    channels, (height, width) = qkv.shape[0] // 3, qkv.shape[1:]
    moved = np.roll(qkv, (-shift[0], -shift[1]), (1, 2))
    # Pixels that have been moved around the border see only each other.
    around = np.stack(np.broadcast_arrays((np.arange(height) >= height - shift[0])[:, None],
                                          (np.arange(width) >= width - shift[1])[None, :])).astype(float)
    places = [(i, j) for i in range(rows) for j in range(columns)]
    distance = np.array([[table[a - c + rows - 1, b - d + columns - 1] for c, d in places] for a, b in places])
    made = np.empty((channels, height, width))
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            q, k, v = (tokens(part, top, left, rows, columns) for part in np.split(moved, 3))
            flags = tokens(around, top, left, rows, columns)
            apart = np.where((flags[:, None] != flags[None, :]).any(axis=2), -100.0, 0.0)
            seen = attend(q, k, v, heads, lambda head, apart=apart: distance[:, :, head] + apart)
            made[:, top:top + rows, left:left + columns] = seen.T.reshape(channels, rows, columns)
    return np.roll(made, shift, (1, 2))


def square_table(w, name, side, heads, scale=1.0):
    count = 2 * side - 1
    return w.tensor(name, (count**2, heads), scale).reshape(count, count, heads)


def channel_weights(w, x, first, second, few):
    mean = x.mean(axis=(1, 2), keepdims=True)
    return sigmoid(w.conv(relu(w.conv(mean, first, few, 1)), second, x.shape[0], 1))


def mlp(w, x, name):
    y = gelu(linear(w, norm(w, x, name + "norm2"), name + "mlp.fc1", 2 * x.shape[0]))
    return x + linear(w, y, name + "mlp.fc2", x.shape[0])


def hat_block(w, x, name, heads, side, shift, inner, few):
    width, y = x.shape[0], norm(w, x, name + "norm1")
    cab = name + "conv_block.cab."
    local = w.conv(gelu(w.conv(y, cab + "0", inner)), cab + "2", width, gain=40.0)
    local = local * channel_weights(w, local, cab + "3.attention.1", cab + "3.attention.3", few)
    qkv = linear(w, y, name + "attn.qkv", 3 * width, gain=1.5)
    table = square_table(w, name + "attn.relative_position_bias_table", side, heads)
    seen = in_windows(qkv, heads, side, side, (shift, shift), table)
    return mlp(w, x + linear(w, seen, name + "attn.proj", width) + 0.01 * local, name)


def overlapping(w, x, name, heads, side):
    """Queries of a window, keys and values of a window half as large again around it, with zeros beyond the image."""
    width, margin, outer = x.shape[0], side // 4, side + side // 2
    span = side + outer - 1
    qkv = linear(w, norm(w, x, name + "norm1"), name + "qkv", 3 * width, gain=1.5)
    query, key, value = np.split(qkv, 3)
    key, value = (np.pad(part, ((0, 0), (margin, margin), (margin, margin))) for part in (key, value))
    table = w.tensor(name + "relative_position_bias_table", (span**2, heads), 1.0)
    shift = side - outer + 1
    index = np.array([[(c - a + shift) * span + (d - b + shift) for c in range(outer) for d in range(outer)]
                      for a in range(side) for b in range(side)])  # below 0: from the table's end
    made = np.empty_like(x)
    for top in range(0, x.shape[1], side):
        for left in range(0, x.shape[2], side):
            seen = attend(tokens(query, top, left, side, side), tokens(key, top, left, outer, outer),
                          tokens(value, top, left, outer, outer), heads, lambda head: table[index, head])
            made[:, top:top + side, left:left + side] = seen.T.reshape(width, side, side)
    return mlp(w, x + linear(w, made, name + "proj", width), name)


def hat_forward(w, image, end, width, heads, side, layers, depth, scale):
    height, length = image.shape[1:]
    x = pad(image, 0, -height % side, 0, -length % side, "reflect") - MEAN
    first = w.conv(x, "conv_first", width)
    y = norm(w, first, "patch_embed.norm")
    for i in range(layers):
        start, group = y, f"layers.{i}.residual_group."
        for b in range(depth):
            y = hat_block(w, y, f"{group}blocks.{b}.", heads, side, side // 2 if b % 2 else 0, 5, 2)
        y = joint(w, overlapping(w, y, group + "overlap_attn.", heads, side), f"layers.{i}.conv", False) + start
    y = joint(w, norm(w, y, "norm"), "conv_after_body", False) + first
    return end(w, y, scale)[:, :height * scale, :length * scale] + MEAN


def hat():
    family = Family("hat")
    for width, heads, side, layers, depth, scale, sizes in ((12, 3, 4, 2, 2, 2, ((16, 20), (17, 18))),
                                                            (12, 2, 8, 1, 3, 3, ((16, 16),)),
                                                            (24, 6, 16, 1, 2, 4, ((32, 16),))):
        w, runs = Weights(), []
        for size in sizes:
            image = Image(f"hat x{scale} {size}", (3, *size))
            made = hat_forward(w, image.values, classical, width, heads, side, layers, depth, scale)
            runs.append(({"scale": scale, "image": image}, made))
        family.add(f"windows of {side}, {layers} layers of {depth} blocks, x{scale}", w, runs)
    return family


def position_table(w, name, rows, columns, inner, heads):
    """What a small network makes of distances; [2 rows - 1, 2 columns - 1, heads]."""
    x = np.array([[i, j] for i in range(1 - rows, rows) for j in range(1 - columns, columns)], float)
    x = w.linear(x, name + "pos_proj", inner, gain=0.7)
    for layer, out in ((1, inner), (2, inner), (3, heads)):
        part = f"{name}pos{layer}."
        x = relu(layer_norm(x, *w.norm_parts(part + "0", inner), axis=-1))
        x = w.linear(x, part + "2", out)
    return x.reshape(2 * rows - 1, 2 * columns - 1, heads)


def normal(w, x, name):
    """Batch normalisation with stored statistics, then GELU."""
    count = x.shape[0]
    gain, shift = w.norm_parts(name, count)
    mean = w.tensor(name + ".running_mean", (count,), 0.3)
    variance = w.tensor(name + ".running_var", (count,), 0.4, 0.8)
    return gelu(batch_norm(x, gain, shift, mean, variance))


def of_channels(w, x, name):
    width = x.shape[0]
    y = normal(w, w.conv(x.mean(axis=(1, 2), keepdims=True), name + "1", width // 8, 1), name + "2")
    return sigmoid(w.conv(y, name + "4", width, 1, gain=2.0))


def of_pixels(w, x, name):
    return sigmoid(w.conv(normal(w, w.conv(x, name + "0", x.shape[0] // 16, 1), name + "1"), name + "3", 1, 1))


def between_channels(query, key, value, heads, strength):
    """[C, pixels]: every channel takes from those of its head, by the cosine between them."""
    made = []
    for q, k, v, factor in zip(*(np.split(part, heads) for part in (query, key, value)), strength):
        q, k = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (q, k))
        made.append(softmax(q @ k.T * factor, 1) @ v)
    return np.concatenate(made)


def dat_attention(w, x, name, heads, low, wide, spatial, shifted):
    width, (height, length) = x.shape[0], x.shape[1:]
    qkv = linear(w, x, name + "qkv", 3 * width, gain=1.5)
    local = normal(w, w.conv(qkv[2 * width:], name + "dwconv.0", width, groups=width), name + "dwconv.1")
    channels, pixels = name + "channel_interaction.", name + "spatial_interaction."
    if not spatial:
        strength = w.tensor(name + "temperature", (heads, 1, 1), 0.5, 2.0).ravel()
        flat = qkv.reshape(3 * width, -1)
        seen = between_channels(*np.split(flat, 3), heads, strength).reshape(x.shape)
        y = seen * of_pixels(w, local, pixels) + local * of_channels(w, seen, channels)
        return linear(w, y, name + "proj", width)
    side = max(low, wide)
    whole = np.pad(qkv, ((0, 0), (0, -height % side), (0, -length % side)))
    made = []
    for branch, (rows, columns) in enumerate(((low, wide), (wide, low))):
        half = slice(branch * width // 2, (branch + 1) * width // 2)
        part = np.concatenate([third[half] for third in np.split(whole, 3)])
        table = position_table(w, f"{name}attns.{branch}.pos.", rows, columns, width // 2 // 4 // 4, heads // 2)
        shift = (rows // 2, columns // 2) if shifted else (0, 0)
        made.append(in_windows(part, heads // 2, rows, columns, shift, table))
    seen = np.concatenate(made)[:, :height, :length]
    y = seen * of_channels(w, local, channels) + local * of_pixels(w, seen, pixels)
    return linear(w, y, name + "proj", width)


def dat_feed(w, x, name, ratio):
    half = ratio * x.shape[0] // 2
    y = gelu(linear(w, x, name + "fc1", 2 * half))
    gate = w.conv(norm(w, y[half:], name + "sg.norm"), name + "sg.conv", half, groups=half)
    return linear(w, y[:half] * gate, name + "fc2", x.shape[0])


def dat_forward(w, image, end, width, heads, windows, layers, depth, ratio, three, scale):
    first = w.conv(image - MEAN, "conv_first", width)
    x = norm(w, first, "before_RG.1")
    for i in range(layers):
        start = x
        for b in range(depth):
            name = f"layers.{i}.blocks.{b}."
            shifted = b in range(2, depth, 4) if i % 2 == 0 else b % 4 == 0
            x = x + dat_attention(w, norm(w, x, name + "norm1"), name + "attn.", heads, *windows, b % 2 == 0, shifted)
            x = x + dat_feed(w, norm(w, x, name + "norm2"), name + "ffn.", ratio)
        x = joint(w, x, f"layers.{i}.conv", three) + start
    return end(w, joint(w, norm(w, x, "norm"), "conv_after_body", three) + first, scale) + MEAN


def dat():
    family = Family("dat")
    for title, end, width, heads, windows, layers, depth, ratio, three, scale, sizes in (
            ("classical", classical, 36, 4, (2, 4), 2, 3, 4, False, 2, ((8, 12), (9, 7))),
            ("light", light, 36, 6, (4, 8), 1, 4, 2, True, 4, ((8, 10),)),
            ("classical", classical, 36, 2, (4, 4), 1, 2, 2, False, 3, ((5, 8),))):
        w, runs = Weights(), []
        for size in sizes:
            image = Image(f"dat {title} x{scale} {size}", (3, *size))
            made = dat_forward(w, image.values, end, width, heads, windows, layers, depth, ratio, three, scale)
            runs.append(({"scale": scale, "image": image}, made))
        # Published files hold the distances of all pairs; the largest tell the sides of the windows.
        low, wide = windows
        distances = [[i, j] for i in range(1 - low, low) for j in range(1 - wide, wide)]
        w.constant("layers.0.blocks.0.attn.attns.0.rpe_biases", (len(distances), 2), distances)
        family.add(f"{title}, windows of {windows}, {layers} layers of {depth} blocks, x{scale}", w, runs)
    return family


EPS = 1e-6  # of Omni-SR's own layer normalisation


def omni_windows(w, x, name, side, grid):
    """Windows of neighbours, or of pixels as far apart as the image's side is long over the window's."""
    width, (height, length) = x.shape[0], x.shape[1:]
    qkv = linear(w, norm(w, x, name + "norm"), name + "fn.to_qkv", 3 * width, bias=False, gain=1.5)
    table = square_table(w, name + "fn.rel_pos_bias.weight", side, 4).reshape(-1, 4)
    places = [(i, j) for i in range(side) for j in range(side)]
    bias = np.array([[table[(a - c + side - 1) * (2 * side - 1) + b - d + side - 1] for c, d in places]
                     for a, b in places])
    down, right = height // side, length // side
    made = np.empty_like(x)
    for i in range(down):
        for j in range(right):
            rows = np.arange(i, height, down) if grid else np.arange(i * side, (i + 1) * side)
            columns = np.arange(j, length, right) if grid else np.arange(j * side, (j + 1) * side)
            q, k, v = (part[:, rows][:, :, columns].reshape(width, -1).T for part in np.split(qkv, 3))
            seen = attend(q, k, v, 4, lambda head: bias[:, :, head])
            made[:, rows[:, None], columns[None, :]] = seen.T.reshape(width, side, side)
    return x + linear(w, made, name + "fn.to_out.0", width, bias=False)


def omni_channels(w, x, name, side, grid):
    """Channels are compared inside windows, or over the pixels at the same place in every window."""
    width, (height, length) = x.shape[0], x.shape[1:]
    qkv = w.conv(norm(w, x, name + "norm", EPS), name + "fn.qkv", 3 * width, 1, bias=False)
    qkv = w.conv(qkv, name + "fn.qkv_dwconv", 3 * width, groups=3 * width, bias=False)
    strength = w.tensor(name + "fn.temperature", (4, 1, 1), 0.5, 2.0).ravel()
    made = np.empty_like(x)
    steps = (side, side) if grid else (height // side, length // side)
    for i in range(steps[0]):
        for j in range(steps[1]):
            rows = slice(i, None, side) if grid else slice(i * side, (i + 1) * side)
            columns = slice(j, None, side) if grid else slice(j * side, (j + 1) * side)
            region = qkv[:, rows, columns]
            seen = between_channels(*np.split(region.reshape(3 * width, -1), 3), 4, strength)
            made[:, rows, columns] = seen.reshape(width, *region.shape[1:])
    return x + w.conv(made, name + "fn.project_out", width, 1, bias=False)


def omni_feed(w, x, name):
    width = x.shape[0]
    y = w.conv(norm(w, x, name + "norm", EPS), name + "fn.project_in", 2 * width, 1, bias=False)
    y = w.conv(y, name + "fn.dwconv", 2 * width, groups=2 * width, bias=False)
    return x + w.conv(gelu(y[:width]) * y[width:], name + "fn.project_out", width, 1, bias=False)


def omni_block(w, x, name, side):
    width = x.shape[0]
    y = gelu(w.conv(x, name + "0.fn.0", width, 1))
    y = gelu(w.conv(y, name + "0.fn.2", width, groups=width))
    few = silu(linear(w, y.mean(axis=(1, 2), keepdims=True), name + "0.fn.4.gate.1", width // 4, bias=False))
    y = y * sigmoid(linear(w, few, name + "0.fn.4.gate.3", width, bias=False, gain=3.0))
    x = x + w.conv(y, name + "0.fn.5", width, 1)
    x = omni_feed(w, omni_windows(w, x, name + "2.", side, False), name + "4.")
    x = omni_feed(w, omni_channels(w, x, name + "5.", side, False), name + "6.")
    x = omni_feed(w, omni_windows(w, x, name + "8.", side, True), name + "10.")
    return omni_feed(w, omni_channels(w, x, name + "11.", side, True), name + "12.")


def omni_mask(w, x, name):
    """Enhanced spatial attention without the convolutions that the code leaves out."""
    thin = w.conv(x, name + "conv1", 16, 1)
    coarse = w.conv(max_pool(w.conv(thin, name + "conv2", 16, stride=2, pad=0), 7, 3), name + "conv3", 16)
    large = bilinear(coarse, *x.shape[1:])
    return x * sigmoid(w.conv(large + w.conv(thin, name + "conv_f", 16, 1), name + "conv4", x.shape[0], 1, gain=2.0))


def omnisr_forward(w, image, width, groups, side, scale):
    height, length = image.shape[1:]
    first = w.conv(np.pad(image, ((0, 0), (0, -height % side), (0, -length % side))), "input", width)
    x = first
    for i in range(groups):
        name = f"residual_layer.{i}."
        y = omni_block(w, x, name + "residual_layer.0.layer.", side)
        x = omni_mask(w, w.conv(y, name + "residual_layer.1", width, 1) + x, name + "esa.")
    x = w.conv(x, "output", width) + first
    return pixel_shuffle(w.conv(x, "up.0", 3 * scale**2, gain=0.5), scale)[:, :height * scale, :length * scale]


def omnisr():
    family = Family("omnisr")
    for width, groups, side, scale, sizes in ((16, 2, 8, 2, ((24, 16), (17, 22))), (32, 1, 4, 3, ((20, 16),)),
                                              (16, 1, 8, 4, ((16, 24),))):
        w, runs = Weights(), []
        for size in sizes:
            image = Image(f"omnisr x{scale} {size}", (3, *size))
            made = omnisr_forward(w, image.values, width, groups, side, scale)
            runs.append(({"scale": scale, "image": image}, made))
        family.add(f"windows of {side}, {groups} groups, x{scale}", w, runs)
    return family


FAMILIES = [hat, dat, omnisr]
