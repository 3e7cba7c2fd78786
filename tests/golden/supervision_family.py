"""Losses of all results of a network: DRCN (Kim 2016), MemNet (Tai 2017), LapSRN (Lai 2017), and how they change along
a direction of each tensor. Photos are RGB; the networks see BT.601's luma, DRCN and MemNet after bicubic enlargement."""

import numpy as np

import formula
import laplacian_family
from layers import batch_norm, imresize_up, leaky, relu
from recorder import Family, Image, Weights, rounded

STEP = 1e-5  # of the central differences


def luma(photo):
    return ((np.array([65.481, 128.553, 24.966]) @ photo.reshape(3, -1) + 16.0) / 255.0).reshape(1, *photo.shape[1:])


def halved(x):
    """MATLAB's imresize by 1/2: Keys' kernel (a = -0.5) of twice the width; the image is mirrored."""

    def kernel(t):
        t = abs(t)
        if t <= 1:
            return (1.5 * t - 2.5) * t * t + 1
        return ((-0.5 * t + 2.5) * t - 4) * t + 2 if t < 2 else 0.0

    def matrix(length):
        made = np.zeros((length // 2, length))
        for i in range(length // 2):
            for k in range(2 * i - 4, 2 * i + 6):
                inside = -k - 1 if k < 0 else 2 * length - 1 - k if k >= length else k
                made[i, inside] += kernel((k - (2 * i + 0.5)) / 2.0)
        return made / made.sum(axis=1, keepdims=True)

    return np.einsum("ih,chw,jw->cij", matrix(x.shape[1]), x, matrix(x.shape[2]))


def drcn_results(w, photo, scale, width, depth):
    image = imresize_up(luma(photo), scale)
    x = relu(w.conv(image, "embedding.0", width, gain=1.4))
    x = relu(w.conv(x, "embedding.1", width, gain=1.4))
    made = []
    for _ in range(depth):
        x = relu(w.conv(x, "recursion", width, gain=1.4))
        made.append(w.conv(relu(w.conv(x, "reconstruction.0", width, gain=1.4)), "reconstruction.1", 1, gain=0.3) + image)
    weights = w.tensor("ensemble.weight", (1, depth, 1, 1), 0.1, 1.0 / depth)
    return np.tensordot(weights[0, :, 0, 0], np.array(made), axes=1), made


def norm_relu(w, x, name):
    """By the statistics of the image itself, as in training; the stored ones do not matter."""
    gains, shifts = w.norm_parts(name, x.shape[0])
    w.constant(name + ".running_mean", (x.shape[0],), np.zeros(x.shape[0]))
    w.constant(name + ".running_var", (x.shape[0],), np.ones(x.shape[0]))
    return relu(batch_norm(x, gains, shifts))


def norm_relu_conv(w, x, name, out, side=3, gain=1.4):
    return w.conv(norm_relu(w, x, name + ".bn"), name + ".conv", out, side, bias=False, gain=gain)


def memnet_results(w, photo, scale, width, depth, units):
    """A result of each block by one convolution; their sum with learned weights."""
    image = imresize_up(luma(photo), scale)
    x = norm_relu_conv(w, image, "feature_extractor", width)
    kept = [x]
    for m in range(depth):
        seen = []
        for r in range(units):
            name = f"dense_memory.{m}.recursive_unit.{r}.relu_conv"
            x = norm_relu_conv(w, norm_relu_conv(w, x, name + "1", width), name + "2", width, gain=0.7) + x
            seen.append(x)
        x = norm_relu_conv(w, np.concatenate(seen + kept), f"dense_memory.{m}.gate_unit", width, 1)
        kept.append(x)
    made = [w.conv(norm_relu(w, x, f"reconstructor.{m}.bn"), "reconstructor.conv", 1, bias=False, gain=0.3) + image
            for m, x in enumerate(kept[1:])]
    weights = w.tensor("ensemble.weight", (1, depth, 1, 1), 0.1, 1.0 / depth)
    return np.tensordot(weights[0, :, 0, 0], np.array(made), axes=1), made


def lapsrn_results(w, photo, width, depth):
    """x4 with x2 on the way."""
    image = luma(photo)
    x = leaky(w.conv(image, "input_conv", width), laplacian_family.LEAK)
    made = []
    for level in (2, 1):
        name = f"level{level}_"
        for d in range(1, depth + 1):
            x = leaky(w.conv(x, f"{name}conv{d}", width), laplacian_family.LEAK)
        x = leaky(laplacian_family.enlarge(w, x, name + "upconv"), laplacian_family.LEAK)
        image = laplacian_family.enlarge_image(w, image, name + "img_up")
        image = image + w.conv(x, name + "residual_conv", 1, gain=0.3)
        made.append(image)
    return made[1], made[:1]


def squares(made, target):
    return ((made - target)**2).mean()


def charbonnier(made, target):
    return np.sqrt((made - target)**2 + 1e-6).mean()


def drcn_loss(own, others, target):
    """Their mean, which counts 0.7, and the result, which counts 0.3."""
    return 0.7 * np.mean([squares(one, target) for one in others]) + 0.3 * squares(own, target)


def memnet_loss(own, others, target):
    return np.mean([squares(one, target) for one in [own, *others]])


def lapsrn_loss(own, others, target):
    """Over all pixels of both."""
    small = others[0]
    return (own.size * charbonnier(own, target) + small.size * charbonnier(small, halved(target))) / (own.size + small.size)


def slopes(w, loss):
    """By which the loss grows along the formula's direction of each trained tensor."""
    found = {}
    for name in list(w.entries):
        if "running" in name:
            continue
        kept = w.values[name]
        direction = formula.tensor("along " + name, kept.shape, 1.0, 0.0).astype(np.float64)
        side = []
        for sign in (1.0, -1.0):
            w.values[name] = kept.astype(np.float64) + sign * STEP * direction
            side.append(loss())
        w.values[name] = kept
        found[name] = rounded((side[0] - side[1]) / (2.0 * STEP))
    return found


def supervision():
    family = Family("supervision")
    cases = [("drcn", 2, "l2", 0.7, {"width": 16, "depth": 3}, drcn_loss,
              lambda w, photo: drcn_results(w, photo, 2, 16, 3)),
             ("memnet", 2, "l2", 0.0, {"width": 8, "depth": 3, "units": 2, "outputs": 1}, memnet_loss,
              lambda w, photo: memnet_results(w, photo, 2, 8, 3, 2)),
             ("lapsrn", 4, "charbonnier", 0.0, {"width": 16, "depth": 2}, lapsrn_loss,
              lambda w, photo: lapsrn_results(w, photo, 16, 2))]
    for name, scale, term, weight, fields, loss, results in cases:
        w = Weights(gain=1.4)
        photo = Image("small " + name, (3, 8, 10))
        large = Image("large " + name, (3, 8 * scale, 10 * scale))
        target = luma(large.values)
        own, others = results(w, photo.values)
        value = loss(own, others, target)
        grown = slopes(w, lambda: loss(*results(w, photo.values), target))
        family.add(name, w, [({"scale": scale, "photo": photo, "target": large}, own)], term=term, weight=weight,
                   fields=fields, loss=rounded(value), slopes=grown)
    return family


FAMILIES = [supervision]
