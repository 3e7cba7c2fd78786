"""Generators of learned degradations: DSGAN (ManuelFritsche/real-world-sr `model.py`), High-to-Low (Bulat et al. 2018),
CinCGAN (Yuan et al. 2018, as its ports have it). Maps of noise and of JPEG's blocks are this project's own."""

import numpy as np

from layers import leaky, pixel_shuffle, relu, sigmoid
from recorder import Family, Image, Weights
from srresnet_family import normalise


def dsgan_forward(w, image, maps, width, blocks, residual):
    x = w.prelu(w.conv(np.concatenate([image, maps]), "block_input.0", width), "block_input.1", 1)
    for i in range(blocks):
        inner = w.prelu(w.conv(x, f"res_blocks.{i}.conv1", width), f"res_blocks.{i}.prelu", 1)
        x = x + w.conv(inner, f"res_blocks.{i}.conv2", width)
    x = w.conv(x, "block_output", 3)
    return image + x if residual else sigmoid(x)


def high_to_low_block(w, x, name, width):
    inner = relu(normalise(w, w.conv(x, name + ".conv1", width), name + ".bn1"))
    return x + normalise(w, w.conv(inner, name + ".conv2", width), name + ".bn2")


def high_to_low_forward(w, image, maps, width, blocks, halvings, doublings):
    x = 2.0 * image - 1.0
    if maps.shape[0] > 0:
        x = x + w.conv(maps, "noise", 3, 1, bias=False)
    x = relu(w.conv(x, "head", width))
    for i in range(halvings):
        for b in range(blocks):
            x = high_to_low_block(w, x, f"down.{i}.{b}", width)
        x = w.conv(relu(normalise(w, x, f"down.{i}.bn")), f"down.{i}.conv", width, 3, stride=2)
    for i in range(doublings):
        for b in range(blocks):
            x = high_to_low_block(w, x, f"up.{i}.{b}", width)
        x = pixel_shuffle(w.conv(x, f"up.{i}.conv", 4 * width), 2)
    return 0.5 + 0.5 * np.tanh(w.conv(x, "tail", 3))


def cincgan_forward(w, image, maps, width, blocks, halvings):
    def conv(x, name, out, side, stride=1):
        return leaky(w.conv(x, name, out, side, stride=stride, bias=False), 0.2)
    x = conv(np.concatenate([2.0 * image - 1.0, maps]), "head.0", width, 7)
    x = conv(x, "head.1", width, 3, 2 if halvings > 0 else 1)
    x = conv(x, "head.2", width, 3, 2 if halvings > 1 else 1)
    for i in range(blocks):
        inner = x
        for part in "12":
            inner = normalise(w, w.conv(inner, f"body.{i}.conv{part}", width, bias=False), f"body.{i}.bn{part}")
            inner = leaky(inner, 0.2)
        x = x + inner
    x = conv(conv(x, "tail.0", width, 3), "tail.1", width, 3)
    return 0.5 + 0.5 * conv(x, "tail.2", 3, 7)


def cases(family, name, forward, settings):
    for options, noise, grid, remarks in settings:
        w = Weights()
        image = Image(f"{name} {options}", (3, 16, 24))
        count = noise + 4 * grid
        maps = Image(f"{name} maps", (max(count, 1), 16, 24), 2.0, -1.0)
        made = forward(w, image.values, maps.values[:count], *options)
        run = {"scale": 1, "image": image}
        if count > 0:
            run["maps"] = maps
        family.add(f"{options}, {noise} of noise, grid {grid}", w, [(run, made)],
                   remarks={"noise": str(noise), "grid": str(grid), **remarks})
    return family


def dsgan():
    return cases(Family("dsgan"), "dsgan", dsgan_forward,
                 [((16, 2, False), 0, 0, {}), ((16, 1, True), 1, 1, {"residual": "1"}), ((24, 1, False), 2, 0, {})])


def high_to_low():
    return cases(Family("high-to-low"), "high-to-low", high_to_low_forward,
                 [((16, 1, 2, 1), 0, 0, {}), ((16, 2, 1, 0), 1, 1, {}), ((8, 1, 3, 1), 1, 0, {})])


def cincgan():
    return cases(Family("cincgan"), "cincgan", cincgan_forward,
                 [((16, 2, 0), 0, 0, {"halvings": "0"}), ((16, 1, 2), 0, 0, {"halvings": "2"}),
                  ((16, 1, 0), 2, 1, {"halvings": "0"})])


FAMILIES = [dsgan, high_to_low, cincgan]
