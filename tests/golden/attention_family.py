"""Networks with attention: LatticeNet (Luo 2020), RCAN (Zhang 2018), HAN (Niu 2020), SAN (Dai 2019),
RNAN (Zhang 2019). Colours to 255."""

import numpy as np

from edsr_family import BIAS, MEAN, residual, upsample
from layers import conv2d, leaky, max_pool, pixel_shuffle, relu, sigmoid, softmax
from recorder import Family, Image, Weights


# A little of the other colours, as training left it in the published file.
MIX = np.array([[0.92, -0.04, 0.01], [-0.02, 0.97, -0.02], [0.01, -0.01, 0.95]])


def shift(w, x, name, sign, mix=MIX, mean=MEAN):
    weight = w.constant(name + ".weight", (3, 3, 1, 1), mix)
    return conv2d(x, weight, w.constant(name + ".bias", (3,), sign * 255.0 * mean))


def around(w, image, body, mean=MEAN):
    """EDSR-PyTorch's frozen layers before and after."""
    x = body(shift(w, image * 255.0, "sub_mean", -1.0, np.eye(3), mean))
    return shift(w, x, "add_mean", 1.0, np.eye(3), mean) / 255.0


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


DF2K_MEAN = np.array([0.4690, 0.4490, 0.4036]).reshape(3, 1, 1)


def channel_attention(w, x, name, few):
    return x * squeeze(w, x.mean(axis=(1, 2)), name + "0", name + "2", few)


def rcan_group(w, x, name, blocks, few):
    y = x
    for b in range(blocks):
        part = f"{name}.body.{b}.body."
        z = w.conv(relu(w.conv(y, part + "0", x.shape[0])), part + "2", x.shape[0])
        y = y + channel_attention(w, z, part + "3.conv_du.", few)
    return w.conv(y, f"{name}.body.{blocks}", x.shape[0]) + x


def rcan_body(w, x, width, groups, blocks, few, scale):
    head = w.conv(x, "head.0", width, gain=0.02)
    y = head
    for g in range(groups):
        y = rcan_group(w, y, f"body.{g}", blocks, few)
    y = w.conv(y, f"body.{groups}", width) + head
    return w.conv(upsample(w, y, "tail.0.{}", scale), "tail.1", 3, gain=40.0)


def rcan_basicsr(w, x, width, groups, blocks, few, scale):
    head = w.conv(x, "conv_first", width, gain=0.02)
    y = head
    for g in range(groups):
        start = y
        for b in range(blocks):
            name = f"body.{g}.residual_group.{b}.rcab."
            z = w.conv(relu(w.conv(y, name + "0", width)), name + "2", width)
            y = y + z * squeeze(w, z.mean(axis=(1, 2)), name + "3.attention.1", name + "3.attention.3", few)
        y = w.conv(y, f"body.{g}.conv", width) + start
    y = w.conv(y, "conv_after_body", width) + head
    return w.conv(upsample(w, y, "upsample.{}", scale), "conv_last", 3, gain=40.0)


def rcan():
    family = Family("rcan")
    for title, mean, scale, groups, blocks, size in (
            ("EDSR-PyTorch's names", MEAN, 2, 2, 2, (9, 8)), ("DF2K's mean", DF2K_MEAN, 3, 1, 3, (7, 8)),
            ("EDSR-PyTorch's names", MEAN, 4, 3, 1, (6, 7)), ("EDSR-PyTorch's names", MEAN, 8, 1, 1, (5, 4))):
        w = Weights()
        image = Image(f"rcan x{scale}", (3, *size))
        made = around(w, image.values, lambda x: rcan_body(w, x, 12, groups, blocks, 3, scale), mean)
        family.add(f"{title}, {groups} groups, x{scale}", w, [({"scale": scale, "image": image}, made)])
    for scale in (2, 4):
        w = Weights()
        image = Image(f"rcan BasicSR x{scale}", (3, 7, 8))
        made = rcan_basicsr(w, (image.values - MEAN) * 255.0, 12, 2, 2, 3, scale) / 255.0 + MEAN
        family.add(f"BasicSR's names, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def volume_conv(x, weight, bias):
    """3x3x3 over channels, rows and columns, one map in and out, zeros around."""
    depth, height, width = x.shape
    padded = np.pad(x, 1)
    y = np.full_like(x, bias)
    for c in range(3):
        for i in range(3):
            for j in range(3):
                y += weight[c, i, j] * padded[c:c + depth, i:i + height, j:j + width]
    return y


def layer_attention(maps, gamma):
    """maps [N, C H W]; the less alike two are, the more one takes of the other."""
    energy = maps @ maps.T
    weights = softmax(energy.max(axis=1, keepdims=True) - energy, 1)
    return gamma * (weights @ maps) + maps


def han_body(w, x, width, groups, blocks, few, scale):
    head = w.conv(x, "head.0", width, gain=0.002)
    y, made = head, []
    for g in range(groups):
        y = rcan_group(w, y, f"body.{g}", blocks, few)
        made.insert(0, y)
    y = w.conv(y, f"body.{groups}", width)
    made.insert(0, y)
    flat = np.stack([z.ravel() for z in made])
    layered = layer_attention(flat, w.tensor("la.gamma", (1,), 0.1, 0.6)).reshape(-1, *y.shape[1:])
    layered = w.conv(layered, "last_conv", width)
    weight = w.tensor("csa.conv.weight", (1, 1, 3, 3, 3), 1.5)[0, 0]
    gate = sigmoid(volume_conv(y, weight, w.tensor("csa.conv.bias", (1,), 0.1)[0]))
    spatial = y * (w.tensor("csa.gamma", (1,), 0.1, 0.7) * gate) + y
    y = w.conv(np.concatenate([spatial, layered]), "last", width) + head
    return w.conv(upsample(w, y, "tail.0.{}", scale), "tail.1", 3, gain=300.0)


def han():
    family = Family("han")
    for scale, groups, blocks, size in ((2, 2, 2, (9, 8)), (3, 3, 1, (7, 8)), (4, 1, 2, (6, 7))):
        w = Weights(bias=0.02, gain=0.8)
        image = Image(f"han x{scale}", (3, *size))
        made = around(w, image.values, lambda x: han_body(w, x, 8, groups, blocks, 2, scale))
        family.add(f"{groups} groups, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def covariance_root(x):
    """Square root of the channels' covariance after five Newton-Schulz iterations, with the trace as its norm."""
    flat = x.reshape(x.shape[0], -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    covariance = centred @ centred.T / flat.shape[1]
    trace, three = np.trace(covariance), 3.0 * np.eye(x.shape[0])
    a = covariance / trace
    z = 0.5 * (three - a)
    y = a @ z
    for _ in range(3):
        step = 0.5 * (three - z @ y)
        y, z = y @ step, step @ z
    return 0.5 * y @ (three - z @ y) * np.sqrt(trace)


def second_order_attention(w, x, name, few):
    return x * squeeze(w, covariance_root(x).mean(axis=0), name + "conv_du.0", name + "conv_du.2", few, 3.0)


def non_local(w, x, inner):
    """Each quadrant for itself; keys and values are pooled 2x2."""
    name = "non_local.non_local."
    rows, columns = x.shape[1] // 2, x.shape[2] // 2
    y = np.empty_like(x)
    for top in (slice(None, rows), slice(rows, None)):
        for left in (slice(None, columns), slice(columns, None)):
            part = x[:, top, left]
            query = w.conv(part, name + "theta", inner, 1, gain=2.0).reshape(inner, -1)
            key = max_pool(w.conv(part, name + "phi.0", inner, 1, gain=2.0), 2, 2).reshape(inner, -1)
            value = max_pool(w.conv(part, name + "g.0", inner, 1), 2, 2).reshape(inner, -1)
            seen = value @ softmax(query.T @ key, 1).T
            y[:, top, left] = w.conv(seen.reshape(inner, *part.shape[1:]), name + "W", x.shape[0], 1) + part
    return y


def san_group(w, x, name, blocks, few):
    y = x
    for b in range(blocks):
        y = residual(w, y, f"{name}rcab.{b}.conv_first.0", f"{name}rcab.{b}.conv_first.2")
    y = second_order_attention(w, y, name + "soca.", few)
    return w.conv(y, name + "conv_last", x.shape[0]) + x


def san_body(w, x, width, groups, blocks, few, inner, scale):
    """The same non-local module before and after the groups; the published files also hold layers that are not used."""
    head = w.conv(x, "head.0", width, gain=0.01)
    start = non_local(w, head, inner)
    gamma = w.tensor("gamma", (1,), 0.1, 0.3)
    y = start
    for g in range(groups):
        w.tensor(f"RG.{g}.gamma", (1,), 0.5, 1.0)
        y = san_group(w, y, f"RG.{g}.", blocks, few) + gamma * start
    w.conv(y, "conv_last", width)
    second_order_attention(w, y, "non_local.soca.", max(1, width // 8))
    y = non_local(w, y, inner) + head
    return w.conv(upsample(w, y, "tail.0.{}", scale), "tail.1", 3, gain=60.0)


def san():
    family = Family("san")
    for scale, groups, blocks, size in ((2, 2, 2, (9, 10)), (3, 1, 2, (8, 11)), (4, 2, 1, (8, 7))):
        w = Weights(bias=0.1, gain=0.8)
        image = Image(f"san x{scale}", (3, *size))
        made = around(w, image.values, lambda x: san_body(w, x, 12, groups, blocks, 3, 4, scale))
        family.add(f"{groups} groups, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


def over_queries(w, x, name, inner):
    """Non-local attention whose softmax is taken over the queries, as the published code has it."""
    query, key, value = (w.conv(x, name + part, inner, 1, gain=gain).reshape(inner, -1)
                         for part, gain in (("theta", 1.5), ("phi", 1.5), ("g", 1.0)))
    seen = softmax(query.T @ key, 0) @ value.T
    return w.conv(seen.T.reshape(inner, *x.shape[1:]), name + "W", x.shape[0], 1) + x


def rnan_mask(w, x, name, inner):
    if inner:
        x = over_queries(w, x, name + "MB_RB1.0.", inner)

    def block(y, part):
        return residual(w, y, f"{name}{part}.body.0", f"{name}{part}.body.2")

    x = block(x, "MB_RB1.1" if inner else "MB_RB1.0")
    y = w.conv(x, name + "MB_Down.0", x.shape[0], stride=2)
    y = block(block(y, "MB_RB2.0"), "MB_RB2.1")
    y = block(x + w.deconv(y, name + "MB_Up.0", x.shape[0], 6, 2, 2), "MB_RB3.0")
    return sigmoid(w.conv(y, name + "MB_1x1conv.0", x.shape[0], 1))


def rnan_group(w, x, name, inner=0):
    def block(y, part):
        return residual(w, y, f"{name}body.0.{part}.body.0", f"{name}body.0.{part}.body.2")

    x = block(x, "RA_RB1.0")
    trunk = block(block(x, "RA_TB.0.body.0"), "RA_TB.0.body.1")
    x = trunk * rnan_mask(w, x, name + "body.0.RA_MB.0.", inner) + x
    return w.conv(block(block(x, "RA_tail.0"), "RA_tail.1"), name + "body.1", x.shape[0])


def rnan_body(w, x, width, groups, inner, scale):
    """Odd sides are mirrored to even ones here, which the published code takes alone."""
    height, length = x.shape[1:]
    x = np.pad(x, ((0, 0), (0, height % 2), (0, length % 2)), mode="reflect")
    head = w.conv(x, "head.0", width, gain=0.01)
    y = rnan_group(w, head, "body_nl_low.0.", inner)
    for g in range(groups):
        y = rnan_group(w, y, f"body.{g}.")
    y = rnan_group(w, w.conv(y, f"body.{groups}", width), "body_nl_high.0.", inner) + head
    y = w.conv(upsample(w, y, "tail.0.{}", scale), "tail.1", 3, gain=20.0)
    return y[:, :height * scale, :length * scale]


def rnan():
    family = Family("rnan")
    for scale, groups, size in ((2, 2, (10, 8)), (3, 1, (8, 6)), (4, 1, (7, 9))):
        w = Weights(bias=0.1, gain=0.6)
        image = Image(f"rnan x{scale}", (3, *size))
        made = around(w, image.values, lambda x: rnan_body(w, x, 8, groups, 4, scale))
        family.add(f"{groups} groups, x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


FAMILIES = [latticenet, rcan, han, san, rnan]
