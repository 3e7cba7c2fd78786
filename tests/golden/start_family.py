"""ZSSR's network (Shocher et al., CVPR 2018) and the pretrained ones that it can begin from (this project's own)."""

import numpy as np

from edsr_family import BIAS, SCALED, around_mean, edsr_pytorch
from layers import pixel_shuffle, relu
from recorder import Family, Image, Weights


def kernel_code(kernel, scale):
    """Modulus of the kernel's Fourier transform at 0.15, 0.3 and 0.45 cycles per LR pixel in 4 directions."""
    rows, columns = np.mgrid[:kernel.shape[0], :kernel.shape[1]]
    code = []
    for frequency in (0.15, 0.3, 0.45):
        for angle in np.arange(4) * np.pi / 4:
            along = columns * np.cos(angle) + rows * np.sin(angle)
            code.append(abs((kernel / kernel.sum() * np.exp(-2j * np.pi * frequency / scale * along)).sum()))
    return code


def condition(kernel, noise, scale, phase, turn):
    """For the photo after `turn`: quarter turns counter-clockwise, mirrored left-right from 4 on. The kernel turns with
    it; the phase, from the middle, is a vector (down, right)."""
    middle = (scale - 1) / 2
    down, right = ((p - middle) / middle for p in phase)
    for _ in range(turn % 4):
        down, right = -right, down
    kernel = np.rot90(kernel, turn % 4)
    if turn >= 4:
        kernel, right = kernel[:, ::-1], -right
    return np.array([*kernel_code(kernel, scale), noise / 0.1, down, right])


def trunk(w, x, width, blocks, outputs):
    """EDSR's head, blocks and long sum, without biases, and one convolution for all sub-pixels."""
    head = w.conv(x, "head.0", width, bias=False)
    y = head
    for i in range(blocks):
        z = relu(w.conv(y, f"body.{i}.body.0", width, bias=False))
        y = y + w.conv(z, f"body.{i}.body.2", width, bias=False)
    y = w.conv(y, f"body.{blocks}", width, bias=False) + head
    return w.conv(y, "tail", outputs, bias=False)


def start_forward(w, lr, maps, width, blocks, scale):
    """A gray photo is one of three equal colours, and the mean of the three results is its own."""
    colours = np.broadcast_to(lr, (3, *lr.shape[1:]))
    wide = np.broadcast_to(maps.reshape(-1, 1, 1), (maps.size, *lr.shape[1:]))
    made = pixel_shuffle(trunk(w, np.concatenate([colours, wide]), width, blocks, 3 * scale**2), scale)
    return made if lr.shape[0] == 3 else made.mean(axis=0, keepdims=True)


def zssr_start():
    family = Family("zssr_start")
    for scale, width, blocks, turns in ((2, 16, 2, range(8)), (3, 16, 1, (0, 6)), (4, 32, 1, (0, 3))):
        w = Weights()
        runs = []
        for turn in turns:
            for channels in (3, 1):
                image = Image(f"start {channels} {turn}", (channels, 8, 9))
                kernel = Image("start kernel", (5, 4))
                noise, phase = 0.03, [0.2, scale - 1.3]
                maps = condition(kernel.values, noise, scale, phase, turn)
                settings = {"scale": scale, "image": image, "kernel": kernel, "noise": noise, "phase": phase}
                settings["turn"] = turn
                runs.append((settings, start_forward(w, image.values, maps, width, blocks, scale)))
        family.add(f"{blocks} blocks of {width}, x{scale}", w, runs)
    return family


def zssr_edsr():
    """An EDSR as a start: its image less the upscaled photo, whose last rows and columns may be missing."""
    family = Family("zssr_edsr")
    for scale, width in ((2, 16), (3, 16), (4, 16), (2, 48)):
        scaled = width == 48
        w = Weights(BIAS, gain=1.4 if scaled else 1.0)
        runs = []
        for channels, less in ((3, 0), (1, 1))[:1 if scaled else 2]:
            image = Image(f"zssr edsr {channels}", (channels, 6, 7))
            base = Image(f"zssr base {channels}", (channels, 6 * scale - less, 7 * scale))
            colours = np.broadcast_to(image.values, (3, 6, 7))
            made = around_mean(colours, lambda x: edsr_pytorch(w, x, width, 1, scale, 0.1 if scaled else 1.0))
            made = made[:, :6 * scale - less]
            made = made if channels == 3 else made.mean(axis=0, keepdims=True)
            runs.append(({"scale": scale, "image": image, "base": base}, made - base.values))
        family.add(f"{width} wide, x{scale}", w, runs, **({"remarks": SCALED} if scaled else {}))
    return family


def chain(w, x, width, depth, outputs):
    for i in range(depth):
        last = i + 1 == depth
        x = w.conv(x, f"conv.{i}", outputs if last else width, bias=False)
        x = x if last else relu(x)
    return x


def zssr():
    """Convolutions without biases, ReLU between them. The residual alone: the upscaled photo is added elsewhere."""
    family = Family("zssr")
    for channels, width, depth, scale in ((3, 64, 8, [1.5, 1.5]), (1, 16, 3, [2.0, 2.5]), (3, 16, 4, [2.0, 2.0]),
                                          (1, 16, 3, [3.0, 3.0]), (3, 32, 2, [2.0, 3.0]), (1, 16, 5, [1.0, 2.0])):
        w = Weights(gain=1.3)
        image = Image("zssr", (channels, 8, 10))
        base = Image("zssr enlarged", (channels, int(8 * scale[0]), int(10 * scale[1])))
        whole = all(s == int(s) for s in scale)
        if whole:
            down, right = map(int, scale)
            made = pixel_shuffle(chain(w, image.values, width, depth, channels * down * right), down, right)
        else:
            made = chain(w, base.values, width, depth, channels)
        family.add(f"{depth} layers of {width}, {channels} channels, {'at LR' if whole else 'pre-upsampled'}", w,
                   [({"scale": scale, "image": image, "base": base}, made)], width=width, depth=depth)
    return family


FAMILIES = [zssr_start, zssr_edsr, zssr]
