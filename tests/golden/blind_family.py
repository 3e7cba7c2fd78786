"""Networks that find the blur themselves: IKC (Gu 2019), DAN (Luo 2020, 2021), DASR (Wang 2021)."""

import numpy as np

from edsr_family import MEAN
from layers import batch_norm, conv2d, leaky, pixel_shuffle, relu, sigmoid, softmax
from recorder import Family, Image, Weights


def steps_of(scale):
    return [2, 2] if scale == 4 else [scale]


def with_code(x, code):
    return np.concatenate([x, np.broadcast_to(code[:, None, None], (code.size, *x.shape[1:]))])


def ikc_predict(w, x, width, codes):
    for i in range(6):
        x = leaky(w.conv(x, f"Predictor.ConvNet.{2 * i}", codes if i == 5 else width, 5, 2 if i == 3 else 1), 0.2)
    return x.mean(axis=(1, 2))


def ikc_correct(w, made, code, width):
    x = np.clip(made, 0.0, 1.0)
    for i, stride in enumerate((1, 2, 1, 2, 1, 1, 1)):
        x = leaky(w.conv(x, f"Corrector.ConvNet.{2 * i}", width, 5, stride), 0.2)
    known = code
    for i in (0, 2):
        known = leaky(w.linear(known, f"Corrector.code_dense.{i}", width), 0.2)
    x = leaky(w.conv(with_code(x, known), "Corrector.global_dense.0", 2 * width, 1), 0.2)
    x = leaky(w.conv(x, "Corrector.global_dense.2", width, 1), 0.2)
    return code + w.conv(x, "Corrector.global_dense.4", code.size, 1).mean(axis=(1, 2))


def ikc_transform(w, x, code, name):
    both, width = with_code(x, code), x.shape[0]
    made = [w.conv(leaky(w.conv(both, f"{name}{kind}_conv1", width // 2), 0.2), f"{name}{kind}_conv2", width)
            for kind in ("mul", "add")]
    return x * sigmoid(made[0]) + made[1]


def ikc_enlarge(w, image, code, width, depth, scale):
    x = image
    for i in range(1, 4):
        x = w.conv(x, f"SFTMD.conv{i}", width)
        x = x if i == 3 else leaky(x, 0.2)
    start = x
    for i in range(1, depth + 1):
        name = f"SFTMD.SFT-residual{i}."
        inner = w.conv(relu(ikc_transform(w, x, code, name + "sft1.")), name + "conv1", width)
        x = x + w.conv(relu(ikc_transform(w, inner, code, name + "sft2.")), name + "conv2", width, gain=0.3)
    x = w.conv(ikc_transform(w, x + start, code, "SFTMD.sft."), "SFTMD.conv_mid", width)
    for i, factor in enumerate(steps_of(scale)):
        x = leaky(pixel_shuffle(w.conv(x, f"SFTMD.upscale.{3 * i}", factor**2 * width), factor), 0.2)
    return w.conv(x, "SFTMD.conv_output", 3, 9, bias_offset=0.5)


def ikc():
    family = Family("ikc")
    for scale, depth, codes, steps in ((4, 1, 10, 7), (2, 2, 6, 2), (3, 1, 10, 3)):
        w, width = Weights(), 8
        image = Image(f"ikc x{scale}", (3, 9, 7))
        code = ikc_predict(w, image.values, width, codes)
        made = ikc_enlarge(w, image.values, code, width, depth, scale)
        for _ in range(steps - 1):
            code = ikc_correct(w, made, code, width)
            made = ikc_enlarge(w, image.values, code, width, depth, scale)
        facts = {} if steps == 7 else {"remarks": {"iterations": str(steps)}}
        family.add(f"x{scale}, {steps} steps", w, [({"scale": scale, "image": image}, made)], **facts)
    return family


def dan_image(w, x, width, scale):
    x = w.conv(x, "Restorer.fusion", width)
    place = 0
    for factor in steps_of(scale):
        x = pixel_shuffle(w.conv(x, f"Restorer.upscale.{place}", factor**2 * width), factor)
        place += 2
    return w.conv(x, f"Restorer.upscale.{place}", 3)


def dan_block(w, x, other, name):
    width, count = x.shape[0], x.shape[0] + other.shape[0]
    y = leaky(w.conv(np.concatenate([x, other]), name + "0", count), 0.2)
    y = w.conv(y, name + "2", width)
    few = leaky(w.conv(y.mean(axis=(1, 2), keepdims=True), name + "3.body.0", width // 16, 1), 0.2)
    return x + y * sigmoid(w.conv(few, name + "3.body.2", width, 1))


def dan_estimate(w, made, image, width, codes, scale):
    x = w.conv(image, "Estimator.head_LR", width // 2, 1)
    other = w.conv(made, "Estimator.head_HR", width // 2, 9, stride=scale, pad=4)
    for i in range(5):
        x = dan_block(w, x, other, f"Estimator.body.{i}.body.")
    return w.conv(x, "Estimator.out", codes).mean(axis=(1, 2))


def dan():
    family = Family("dan")
    for scale, depth, codes, loops in ((4, 2, 10, 4), (2, 1, 7, 2), (3, 1, 10, 3)):
        w, width = Weights(gain=0.7), 32
        image = Image(f"dan x{scale}", (3, 6, 7))
        code = w.tensor("init_ker_map", (1, codes), 0.3, 0.1)[0]
        for loop in range(loops):
            if loop > 0:
                code = dan_estimate(w, made, image.values, width, codes, scale)
            x = w.conv(image.values, "Restorer.head", width)
            for i in range(depth):
                x = dan_block(w, x, np.broadcast_to(code[:, None, None], (codes, 6, 7)), f"Restorer.body.{i}.body.")
            made = dan_image(w, x, width, scale)
        facts = {} if loops == 4 else {"remarks": {"iterations": str(loops)}}
        if scale == 4:  # published files hold the basis and the first kernel too
            w.tensor("encoder", (1, 441, codes), 0.1)
            w.tensor("init_kernel", (1, 21, 21), 0.1)
        family.add(f"x{scale}, {loops} loops", w, [({"scale": scale, "image": image}, made)], **facts)
    return family


def dan_pair(w, x, y, name, side):
    width = x.shape[0]
    first = w.conv(leaky(w.conv(x, name + "body1.0", width), 0.2), name + "body1.2", width)
    second = w.conv(leaky(w.conv(y, name + "body2.0", width, side), 0.2), name + "body2.2", width, side)
    return x + first * second, y + second


def dan_group(w, x, y, name, side, blocks):
    """Both results are doubled: the list that the authors add is the one that the blocks have changed in place."""
    for i in range(blocks):
        x, y = dan_pair(w, x, y, f"{name}body.{i}.", side)
    return 2.0 * x, 2.0 * y


def danv2():
    family = Family("danv2")
    for scale, groups, depth, side, loops in ((4, 2, 1, 21, 4), (2, 1, 2, 5, 2), (3, 1, 1, 7, 3)):
        w, width, codes = Weights(gain=0.5), 32, 10
        image = Image(f"danv2 x{scale}", (3, 6, 7))
        code = w.tensor("init_ker_map", (1, codes), 0.3, 0.1)[0]
        encoder = w.tensor("encoder", (1, side**2, codes), 8.0)[0]
        for loop in range(loops):
            if loop > 0:
                x = w.conv(image.values, "Estimator.head_LR.0", width // 2, 5)
                y = w.conv(made, "Estimator.head_HR.0", width // 2, 4 * scale + 1, stride=scale, pad=2 * scale)
                x, _ = dan_group(w, x, y, "Estimator.body.", 3, 5)
                x = w.conv(x, "Estimator.tail.0", width).mean(axis=(1, 2), keepdims=True)
                kernel = softmax(w.conv(x, "Estimator.tail.2", side**2, 1, gain=6.0)[:, 0, 0], 0)
                code = kernel @ encoder
            x = w.conv(image.values, "Restorer.head1", width)
            y = w.conv(code[:, None, None], "Restorer.head2", width, 1)
            for i in range(groups):
                x, y = dan_group(w, x, y, f"Restorer.body.{i}.", 1, depth)
            made = dan_image(w, x, width, scale)
        facts = {} if loops == 4 else {"remarks": {"iterations": str(loops)}}
        if scale == 4:
            w.tensor("init_kernel", (1, 21, 21), 0.1)
        family.add(f"x{scale}, {loops} loops", w, [({"scale": scale, "image": image}, made)], **facts)
    return family


def dasr_encode(w, x, base):
    for i, (width, stride) in enumerate(((1, 1), (1, 1), (2, 2), (2, 1), (4, 2), (4, 1))):
        x = w.conv(x, f"E.encoder_q.E.{3 * i}", width * base, stride=stride, gain=0.01 if i == 0 else None)
        name = f"E.encoder_q.E.{3 * i + 1}"
        gain, shift = w.norm_parts(name, width * base)
        mean = w.tensor(name + ".running_mean", (width * base,), 0.2)
        variance = w.tensor(name + ".running_var", (width * base,), 0.3, 1.0)
        x = leaky(batch_norm(x, gain, shift, mean, variance), 0.1)
    return x.mean(axis=(1, 2))


def dasr_conv(w, x, code, name):
    width = x.shape[0]
    hidden = leaky(w.linear(code, name + "kernel.0", width, bias=False), 0.1)
    kernels = w.linear(hidden, name + "kernel.2", 9 * width, bias=False).reshape(width, 1, 3, 3)
    few = leaky(w.conv(code[:, None, None], name + "ca.conv_du.0", width // 8, 1, bias=False), 0.1)
    factors = sigmoid(w.conv(few, name + "ca.conv_du.2", width, 1, bias=False))
    y = leaky(conv2d(x, kernels, None, 1, 1, groups=width), 0.1)
    return w.conv(y, name + "conv", width, 1) + x * factors


def dasr_forward(w, image, width, groups, depth, base, scale):
    code = leaky(w.linear(dasr_encode(w, 255.0 * image, base), "G.compress.0", width, bias=False, gain=3.0), 0.1)
    head = x = w.conv(255.0 * (image - MEAN), "G.head.0", width, gain=0.02)
    for i in range(groups):
        start = x
        for b in range(depth):
            name, before = f"G.body.{i}.body.{b}.", x
            y = leaky(dasr_conv(w, x, code, name + "da_conv1."), 0.1)
            y = leaky(w.conv(y, name + "conv1", width), 0.1)
            y = leaky(dasr_conv(w, y, code, name + "da_conv2."), 0.1)
            x = w.conv(y, name + "conv2", width) + before
        x = w.conv(x, f"G.body.{i}.body.{depth}", width) + start
    x = w.conv(x, f"G.body.{groups}", width) + head
    for i, factor in enumerate(steps_of(scale)):
        x = pixel_shuffle(w.conv(x, f"G.tail.0.{2 * i}", factor**2 * width), factor)
    return w.conv(x, "G.tail.1", 3, gain=30.0) / 255.0 + MEAN


def dasr():
    family = Family("dasr")
    for scale, groups, depth in ((4, 2, 2), (2, 1, 1), (3, 1, 2)):
        w = Weights()
        image = Image(f"dasr x{scale}", (3, 9, 10))
        made = dasr_forward(w, image.values, 16, groups, depth, 8, scale)
        if scale == 4:  # as published: what training alone uses
            w.linear(np.zeros(32), "E.encoder_q.mlp.0", 32)
            w.tensor("G.sub_mean.bias", (3,), 1.0)
        family.add(f"x{scale}", w, [({"scale": scale, "image": image}, made)])
    return family


FAMILIES = [ikc, dan, danv2, dasr]
