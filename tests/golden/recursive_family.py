"""Networks on the enlarged luma: DnCNN (Zhang 2017), DRCN (Kim 2016), DRRN, MemNet (Tai 2017), RED-Net (Mao 2016).
In colour, from the small photo: DSRN (Han 2018)."""

import numpy as np

from layers import batch_norm, conv2d, imresize_up, relu
from recorder import Family, Image, Weights


def dncnn_forward(w, image, width, depth, pattern):
    """Batch norms are merged; the network finds what to take off the image."""
    x = image
    for i in range(depth - 1):
        x = relu(w.conv(x, pattern(i), width, gain=1.4))
    return image - w.conv(x, pattern(depth - 1), 1, gain=0.3)


def dncnn():
    family = Family("dncnn")
    for depth in (6, 20):
        w = Weights()
        image = Image(f"dncnn {depth}", (1, 12, 11))
        made = dncnn_forward(w, image.values, 10, depth, "conv{:02d}".format)
        family.add(f"{depth} layers", w, [({"scale": 1, "image": image}, made)])
    return family


def drcn_forward(w, image, width, depth):
    """Luma to 255. The image is one more channel of every result's last convolution, itself followed by a ReLU."""

    def conv(x, weight, bias, out, offset=0.0, gain=1.4):
        taps = w.conv_weight(weight, (out, x.shape[0], 3, 3), gain)
        return relu(conv2d(x, taps, w.tensor(bias, (out,), 2.0, offset), 1, 1))

    x = conv(image, "W-1_conv.conv_W_1", "W-1_conv.conv_B", width)
    x = conv(x, "W0_conv.conv_W_1", "W0_conv.conv_B", width)
    weights = w.tensor("LayerWeights", (depth,), 0.5, 1.0)
    total = np.zeros_like(image)
    for weight in weights:
        x = conv(x, "W_conv", "B", width)
        y = np.concatenate([conv(x, "WD1_conv_1", "BD1", width), image])
        total += weight * conv(y, "WD2_conv_1", "BD2", 1, 100.0, 0.5)
    return total / weights.sum()


def drcn():
    family = Family("drcn")
    for depth, width, size in ((3, 10, (12, 11)), (9, 12, (9, 10))):
        w = Weights()
        image = Image(f"drcn {depth}", (1, *size))
        made = drcn_forward(w, image.values * 255.0, width, depth) / 255.0
        family.add(f"{depth} recursions of {width}", w, [({"scale": 1, "image": image}, made)])
    return family


def drrn_forward(w, image, names, width, units):
    """No biases, a ReLU before every convolution; every unit adds the first convolution's result. Names: first, the two
    of a unit, last."""
    start = w.conv(relu(image), names[0], width, bias=False, gain=1.6)
    x = start
    for _ in range(units):
        x = w.conv(relu(x), names[1], width, bias=False, gain=1.1)
        x = w.conv(relu(x), names[2], width, bias=False, gain=1.1) + start
    return w.conv(relu(x), names[3], 1, bias=False, gain=0.5) + image


def drrn():
    """No shape tells the number of units: 9 in the one port, 25 in the other."""
    family = Family("drrn")
    unit = "rbs.0.ru.module.{}.module.1".format
    for title, names, units in (("yjn870's names", ("rbs.0.h0.module.1", unit(0), unit(1), "rec.module.1"), 9),
                                ("jt827859032's names", ("input", "conv1", "conv2", "output"), 25)):
        w = Weights()
        image = Image(f"drrn {units}", (1, 11, 12))
        made = drrn_forward(w, image.values, names, 12, units)
        family.add(f"{title}, {units} units", w, [({"scale": 1, "image": image}, made)])
    return family


def norm_relu(w, x, name):
    """Batch norm by stored statistics, ReLU."""
    count = x.shape[0]
    gains, shifts = w.norm_parts(name, count)
    mean = w.tensor(name + ".running_mean", (count,), 0.2, 0.2)
    variance = w.tensor(name + ".running_var", (count,), 0.3, 0.6)
    return relu(batch_norm(x, gains, shifts, mean, variance))


def norm_relu_conv(w, x, name, out, side=3, gain=1.4):
    """The same and a convolution without bias."""
    return w.conv(norm_relu(w, x, name + ".bn"), name + ".conv", out, side, bias=False, gain=gain)


def memnet_forward(w, image, width, blocks, units, all_blocks=False):
    """A gate sees its block's units first and then the results of all earlier gates. The paper's result: each block's by
    one convolution behind a normalisation of its own, weighted."""
    x = norm_relu_conv(w, image, "feature_extractor", width)
    kept = [x]
    for m in range(blocks):
        made = []
        for r in range(units):
            name = f"dense_memory.{m}.recursive_unit.{r}.relu_conv"
            x = norm_relu_conv(w, norm_relu_conv(w, x, name + "1", width), name + "2", width, gain=0.7) + x
            made.append(x)
        x = norm_relu_conv(w, np.concatenate(made + kept), f"dense_memory.{m}.gate_unit", width, 1)
        kept.append(x)
    if not all_blocks:
        return norm_relu_conv(w, x, "reconstructor", 1, gain=0.3) + image
    total = np.zeros_like(image)
    for m, weight in enumerate(w.tensor("ensemble.weight", (1, blocks, 1, 1), 0.1, 1.0 / blocks)[0, :, 0, 0]):
        x = w.conv(norm_relu(w, kept[m + 1], f"reconstructor.{m}.bn"), "reconstructor.conv", 1, bias=False, gain=0.3)
        total += weight * (x + image)
    return total


def memnet():
    family = Family("memnet")
    for blocks, units, width in ((3, 2, 10), (2, 3, 12)):
        w = Weights()
        image = Image(f"memnet {blocks} {units}", (1, 10, 12))
        made = memnet_forward(w, image.values, width, blocks, units)
        family.add(f"{blocks} memory blocks of {units} units", w, [({"scale": 1, "image": image}, made)])
    w = Weights()
    image = Image("memnet of all blocks", (1, 11, 9))
    made = memnet_forward(w, image.values, 8, 3, 2, all_blocks=True)
    family.add("the sum of 3 blocks' results", w, [({"scale": 1, "image": image}, made)])
    return family


def rednet_forward(w, image, width, depth):
    """Transposed convolutions of stride 1; every odd one but the last adds its mirror image among the convolutions."""
    made, x = {}, image
    for i in range(1, depth + 1):
        x = relu(w.conv(x, f"conv{i}", width, gain=1.4))
        made[i] = x
    for i in range(1, depth):
        x = relu(w.deconv(x, f"deconv{i}", width, 3, pad=1, gain=1.2))
        if i % 2:
            x = relu(made[depth - i] + x)
    return w.deconv(x, f"deconv{depth}", 1, 3, pad=1, gain=0.4) + image


def rednet():
    family = Family("rednet")
    w = Weights()
    image = Image("rednet", (1, 11, 12))
    family.add("30 layers of 8", w, [({"scale": 1, "image": image}, rednet_forward(w, image.values, 8, 15))])
    return family


def mean_pool(x, side):
    channels, height, width = x.shape
    return x.reshape(channels, height // side, side, width // side, side).mean(axis=(2, 4))


def dsrn_forward(w, image, width, steps, scale):
    """Two states; what arrives at one of them is added up, then a ReLU. The last low state is not used."""

    def link(x, name):
        return w.conv(relu(w.conv(x, name + ".conv1", width)), name + ".conv2", width)

    x = relu(w.conv(image, "InputNet.in_0", width // 2, gain=1.4))
    states = [(relu(w.conv(x, "InputNet.in_1", width, gain=1.4)), None)]
    for _ in range(steps - 1):
        low, high = states[-1]
        to_high = w.deconv(low, "RecurrentNet.up", width, scale, scale)
        to_low = low + link(low, "RecurrentNet.s1s1")
        if high is not None:
            to_low = to_low + mean_pool(high, scale)
            to_high = to_high + high + link(high, "RecurrentNet.s2s2")
        states.append((relu(to_low), relu(to_high)))
    mean = np.mean([high for _, high in states[1:]], axis=0)
    return w.conv(mean, "out", 3, 1, gain=0.2) + imresize_up(image, scale)


def dsrn():
    family = Family("dsrn")
    for scale, width, steps, size in ((2, 12, 7, (9, 8)), (3, 8, 4, (7, 8)), (4, 8, 7, (6, 7))):
        w = Weights(gain=0.7)
        image = Image(f"dsrn x{scale}", (3, *size))
        made = dsrn_forward(w, image.values, width, steps, scale)
        facts = {} if steps == 7 else {"remarks": {"recurrences": str(steps)}}
        family.add(f"{steps} steps, x{scale}", w, [({"scale": scale, "image": image}, made)], **facts)
    return family


FAMILIES = [dncnn, drcn, drrn, memnet, rednet, dsrn]
