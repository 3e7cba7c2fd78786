"""Networks that compare patches: CSNLN (Mei 2020) and ESRT (Lu 2022), colours from 0 to 1; IPT (Chen 2021), colours
to 255."""

import numpy as np

from attention_family import shift, squeeze
from edsr_family import residual, upsample
from layers import layer_norm, relu, softmax
from recorder import Family, Image, Weights


def active(w, x, name, layer):
    """`layer` with the name's ".0", then a PReLU of one slope."""
    return w.prelu(layer(x, name + ".0"), name + ".1", 1)


def pixel(w, x, name, out):
    return active(w, x, name, lambda y, part: w.conv(y, part, out, 1))


def patches(x, side, step, margin):
    """[rows, columns] of patches [C, side, side], zeros around."""
    padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin)))
    rows, columns = ((length + 2 * margin - side) // step + 1 for length in x.shape[1:])
    return [[padded[:, i * step:i * step + side, j * step:j * step + side] for j in range(columns)]
            for i in range(rows)]


def reduced(x, factor):
    """Bilinear by a whole factor: between two pixels, or on the middle one of three."""
    if factor == 3:
        return x[:, 1::3, 1::3]
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4.0


def across(w, x, name, inner, factor):
    query = pixel(w, x, name + "conv_match_1", inner)
    key = pixel(w, reduced(x, factor), name + "conv_match_2", inner)
    value = pixel(w, x, name + "conv_assembly", x.shape[0])
    keys = np.array([patch.ravel() for row in patches(key, 3, 1, 1) for patch in row])
    keys /= np.maximum(np.linalg.norm(keys, axis=1, keepdims=True), 1e-4)
    values = np.array([patch for row in patches(value, 3 * factor, factor, factor) for patch in row])
    queries = patches(query, 3, 1, 1)
    height, width = x.shape[1:]
    margin = factor
    made = np.zeros((x.shape[0], height * factor + 2 * margin, width * factor + 2 * margin))
    for i in range(height):
        for j in range(width):
            weights = softmax(10.0 * (keys @ queries[i][j].ravel()), 0)
            made[:, i * factor:(i + 3) * factor, j * factor:(j + 3) * factor] += np.tensordot(weights, values, 1)
    return made[:, margin:-margin, margin:-margin] / 6.0


def inside(w, x, name, inner):
    query, key = (pixel(w, x, name + part, inner).reshape(inner, -1) for part in ("conv_match1", "conv_match2"))
    value = pixel(w, x, name + "conv_assembly", x.shape[0]).reshape(x.shape[0], -1)
    return (softmax(query.T @ key, 1) @ value.T).T.reshape(x.shape)


STEPS = {2: (6, 2, 2), 3: (9, 3, 3), 4: (8, 4, 2)}  # side, stride, padding


def larger(w, x, name, factor):
    return active(w, x, name, lambda y, part: w.deconv(y, part, y.shape[0], *STEPS[factor]))


def smaller(w, x, name, factor):
    side, stride, margin = STEPS[factor]
    return active(w, x, name, lambda y, part: w.conv(y, part, y.shape[0], side, stride, margin))


def projection(w, x, name, inner, factor):
    plain = larger(w, inside(w, x, name + "down_attention.", inner), name + "upsample", factor)
    difference = across(w, x, name + "up_attention.", inner, factor) - plain
    y = w.prelu(w.conv(difference, name + "encoder.body.0", x.shape[0]), name + "encoder.body.1", 1)
    return plain + w.conv(y, name + "encoder.body.2", x.shape[0]) + difference


def cell(w, x, inner, scale):
    factor = 3 if scale == 3 else 2
    y = projection(w, x, "SEM.multi_source_projection.", inner, factor)
    y = y + larger(w, x - smaller(w, y, "SEM.down_sample_1", factor), "SEM.error_encode", factor)
    if scale == 4:
        y = projection(w, y, "SEM.multi_source_projection_2.", inner, 2)
        y = y + larger(w, x - smaller(w, y, "SEM.down_sample_3", 4), "SEM.error_encode_2", 4)
    z = smaller(w, y, "SEM.down_sample_4", 4) if scale == 4 else smaller(w, y, "SEM.down_sample_2", factor)
    return active(w, z, "SEM.post_conv", lambda v, part: w.conv(v, part, v.shape[0])), y


def csnln_forward(w, image, width, inner, depth, scale):
    height, length = image.shape[1:]
    multiple = 3 if scale == 3 else 2
    x = np.pad(image, ((0, 0), (0, -height % multiple), (0, -length % multiple)), mode="reflect")
    x = shift(w, x, "sub_mean", -1.0 / 255.0, np.eye(3))
    for name in ("head.0", "head.1"):
        x = active(w, x, name, lambda y, part: w.conv(y, part, width))
    made = []
    for _ in range(depth):
        x, y = cell(w, x, inner, scale)
        made.append(y)
    y = w.conv(np.concatenate(made), "tail.0", 3, gain=0.3)
    for number in ("", "_2") if scale == 4 else ("",):
        w.constant(f"SEM.multi_source_projection{number}.up_attention.escape_NaN", (1,), [1e-4])
    return shift(w, y, "add_mean", 1.0 / 255.0, np.eye(3))[:, :height * scale, :length * scale]


def csnln():
    family = Family("csnln")
    for scale, width, inner, depth, size in ((2, 8, 4, 2, (8, 7)), (3, 8, 4, 2, (6, 9)), (4, 8, 3, 1, (6, 5))):
        w = Weights(gain=0.9)
        image = Image(f"csnln x{scale}", (3, *size))
        made = csnln_forward(w, image.values, width, inner, depth, scale)
        family.add(f"{depth} steps, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def between_corners(x, height, width):
    """Bilinear, corner pixels on corner pixels."""
    def matrix(length, size):
        m = np.zeros((size, length))
        for i in range(size):
            place = i * (length - 1) / (size - 1)
            low = min(int(place), length - 1)
            m[i, low] += 1.0 - (place - low)
            m[i, min(low + 1, length - 1)] += place - low
        return m
    return np.einsum("ih,chw,jw->cij", matrix(x.shape[1], height), x, matrix(x.shape[2], width))


def number(w, name):
    return w.tensor(name + ".scale", (1,), 0.3, 0.9)[0]


def esrt_unit(w, x, name):
    width = x.shape[0]
    y = w.prelu(w.conv(x, name + "conv", width // 2), name + "relu")
    return number(w, name + "weight1") * x + number(w, name + "weight2") * w.conv(y, name + "conv1", width, gain=0.5)


def esrt_mixed(w, x, name, width, side):
    return relu(w.conv(x, name + ".conv", width, side, bias=False, gain=1.4))


def esrt_module(w, x, name):
    width = x.shape[0]
    first = esrt_unit(w, x, name + "layer1.")
    second = esrt_unit(w, first, name + "layer2.")
    both = np.concatenate([number(w, name + "weight2") * second, number(w, name + "weight3") * first])
    y = esrt_mixed(w, both, name + "alise", width, 1)
    y = y * squeeze(w, y.mean(axis=(1, 2)), name + "atten.conv_du.0", name + "atten.conv_du.2", width // 16)
    number(w, name + "weight1")  # not used
    return number(w, name + "weight4") * x + number(w, name + "weight5") * esrt_mixed(w, y, name + "layer4", width, 3)


def esrt_block(w, x, name):
    width, (height, length) = x.shape[0], x.shape[1:]
    start = esrt_module(w, x, name + "encoder.")
    even = start[:, :height // 2 * 2, :length // 2 * 2]
    low = (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4.0
    high = esrt_module(w, start - between_corners(low, height, length), name + "decoder_high.")
    for _ in range(5):
        low = esrt_module(w, low, name + "decoder_low.")
    y = np.concatenate([between_corners(low, height, length), high])
    y = esrt_mixed(w, y, name + "alise2", width, 1)
    y = y * squeeze(w, y.mean(axis=(1, 2)), name + "att.conv_du.0", name + "att.conv_du.2", width // 16)
    return esrt_module(w, y, name + "alise.") + x


def esrt_transformer(w, x, name):
    """Tokens are the 3x3 patches around every pixel, row by row; back they are added up where they overlap."""
    width, (height, length) = x.shape[0], x.shape[1:]
    size, heads, count = 9 * width, 8, height * length
    t = np.array([patch.ravel() for row in patches(x, 3, 1, 1) for patch in row])

    def normal(y, part):
        return layer_norm(y, *w.norm_parts(name + part, size), axis=-1)

    qkv = w.linear(w.linear(normal(t, "norm1"), name + "atten.reduce", size // 2, bias=False), name + "atten.qkv",
                   3 * size // 2, bias=False, gain=1.5)
    quarter, seen = count // 4, np.empty((count, size // 2))
    for start in range(0, count, quarter):
        part = slice(start, start + quarter)
        for head in range(heads):
            depth = size // 2 // heads
            q, k, v = (third[part, head * depth:(head + 1) * depth] for third in np.split(qkv, 3, axis=1))
            seen[part, head * depth:(head + 1) * depth] = softmax(q @ k.T / np.sqrt(size // heads), 1) @ v
    t = t + w.linear(seen, name + "atten.proj", size)
    t = t + w.linear(relu(w.linear(normal(t, "norm2"), name + "mlp.fc1", size // 4)), name + "mlp.fc2", size)
    made = np.zeros((width, height + 2, length + 2))
    for i in range(height):
        for j in range(length):
            made[:, i:i + 3, j:j + 3] += t[i * length + j].reshape(width, 3, 3)
    return made[:, 1:-1, 1:-1]


def esrt_forward(w, image, width, scale):
    head = w.conv(image, "head.0", width)
    made, x = [], head
    for i in (1, 2, 3):
        x = esrt_block(w, x, f"body.0.encoder{i}.")
        made.append(x)
    x = w.conv(np.concatenate(made), "body.0.reduce", width, gain=0.5)
    x = w.conv(esrt_transformer(w, x, "body.0.attention."), "body.0.alise", width, gain=0.2)
    x = number(w, "body.0.weight1") * head + number(w, "body.0.weight2") * x
    x = w.conv(upsample(w, w.conv(x, "reduce", width), "tail.0.{}", scale), "tail.1", 3, gain=0.3)
    plain = upsample(w, head, "up.0.{}", scale)
    return x + relu(w.conv(plain, "up.1.conv", 3, bias=False, gain=0.5))


def esrt():
    family = Family("esrt")
    for scale, size in ((2, (8, 7)), (3, (6, 6)), (4, (5, 7))):
        w = Weights()
        image = Image(f"esrt x{scale}", (3, *size))
        made = esrt_forward(w, image.values, 16, scale)
        family.add(f"x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def multi_head(w, query, key, value, name, heads):
    """Tokens [tokens, size]; PyTorch's layer without biases."""
    size = query.shape[1]
    weight = w.conv_weight(name + "in_proj_weight", (3 * size, size), 1.5)
    out = w.conv_weight(name + "out_proj.weight", (size, size))
    q, k, v = (x @ part.T for x, part in zip((query, key, value), np.split(weight, 3)))
    seen = np.empty_like(q)
    for part in np.split(np.arange(size), heads):
        seen[:, part] = softmax(q[:, part] @ k[:, part].T / np.sqrt(size / heads), 1) @ v[:, part]
    return seen @ out.T


def ipt_body(w, x, heads, layers, ratio):
    """x [C, side, side]; tokens are 3x3 pixels side by side, their channels one after another."""
    width, side = x.shape[0], x.shape[1]
    size = 9 * width
    t = np.array([patch.ravel() for row in patches(x, 3, 3, 0) for patch in row])

    def normal(y, part):
        return layer_norm(y, *w.norm_parts(part, size), axis=-1)

    def fed(y, name, number):
        inner = relu(w.linear(normal(y, f"{name}norm{number}"), name + "linear1", ratio * size))
        return y + w.linear(inner, name + "linear2", size)

    t = t + w.linear(t, "body.linear_encoding", size)
    t = t + w.tensor("body.position_encoding.pe.weight", (len(t), size), 0.5)
    for i in range(layers):
        name = f"body.encoder.layers.{i}."
        own = normal(t, name + "norm1")
        t = fed(t + multi_head(w, own, own, own, name + "self_attn.", heads), name, 2)
    query = w.tensor("body.query_embed.weight", (1, t.size), 0.5).reshape(t.shape)
    memory = t
    for i in range(layers):
        name = f"body.decoder.layers.{i}."
        own = normal(t, name + "norm1")
        t = t + multi_head(w, own + query, own + query, own, name + "self_attn.", heads)
        asked = normal(t, name + "norm2") + query
        t = fed(t + multi_head(w, asked, memory, memory, name + "multihead_attn.", heads), name, 3)
    t = t + w.linear(relu(w.linear(t, "body.mlp_head.0", ratio * size)), "body.mlp_head.3", size)
    made, along = np.empty_like(x), side // 3
    for index, token in enumerate(t):
        i, j = divmod(index, along)
        made[:, 3 * i:3 * i + 3, 3 * j:3 * j + 3] = token.reshape(width, 3, 3)
    return made


def ipt_patch(w, x, width, heads, layers, ratio, scale):
    x = w.conv(shift(w, x * 255.0, "sub_mean", -1.0, np.eye(3)), "head.0.0", width, gain=0.02)
    for i in (1, 2):
        x = residual(w, x, f"head.0.{i}.body.0", f"head.0.{i}.body.2", 5)
    x = ipt_body(w, x, heads, layers, ratio) + x
    x = w.conv(upsample(w, x, "tail.0.0.{}", scale), "tail.0.1", 3, gain=10.0)
    return shift(w, x, "add_mean", 1.0, np.eye(3)) / 255.0


def ipt_forward(w, image, side, scale, **options):
    """Patches begin every quarter of their side; a quarter is cut off where others follow, the rest is averaged."""
    height, length = image.shape[1:]
    whole = np.pad(image, ((0, 0), (0, max(0, side - height)), (0, max(0, side - length))), mode="edge")
    rows, columns = whole.shape[1:]
    quarter = side // 4

    def begins(size):
        return sorted(set(range(0, size - side, quarter)) | {size - side})

    total, times = np.zeros((2, 3, rows * scale, columns * scale))
    for top in begins(rows):
        for left in begins(columns):
            made = ipt_patch(w, whole[:, top:top + side, left:left + side], scale=scale, **options)
            for i in range(side):
                for j in range(side):
                    kept = all(quarter <= place < side - quarter or place < quarter and begin == 0 or
                               place >= side - quarter and begin + side == size
                               for place, begin, size in ((i, top, rows), (j, left, columns)))
                    if kept:
                        y, x = (top + i) * scale, (left + j) * scale
                        total[:, y:y + scale, x:x + scale] += made[:, i * scale:(i + 1) * scale,
                                                                   j * scale:(j + 1) * scale]
                        times[:, y:y + scale, x:x + scale] += 1.0
    return (total / times)[:, :height * scale, :length * scale]


def ipt():
    family = Family("ipt")
    for scale, heads, layers, side, sizes in ((2, 12, 2, 12, ((12, 12), (14, 17), (9, 13))), (3, 4, 1, 12, ((13, 12),)),
                                              (4, 12, 1, 24, ((24, 22),))):
        w, runs = Weights(bias=0.1, gain=0.8), []
        for size in sizes:
            image = Image(f"ipt x{scale} {size}", (3, *size))
            made = ipt_forward(w, image.values, side, scale, width=8, heads=heads, layers=layers, ratio=2)
            runs.append(({"scale": scale, "image": image}, made))
        w.constant("body.position_encoding.position_ids", (1, (side // 3)**2), np.arange((side // 3)**2))
        facts = {} if heads == 12 else {"remarks": {"heads": str(heads)}}
        family.add(f"patches of {side}, {layers} layers, x{scale}", w, runs, **facts)
    return family


FAMILIES = [csnln, esrt, ipt]
