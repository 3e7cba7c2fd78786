"""USRNet (Zhang et al., CVPR 2020), from KAIR's network_usrnet.py."""

import numpy as np

from edsr_family import residual
from layers import conv_transpose2d, nearest, pad, relu, softplus
from recorder import Family, Image, Weights

WIDTHS = (8, 12, 16, 20)


def p2o(kernel, height, width):
    """KAIR's, for convolution; the kernel must not be larger than the image."""
    plane = np.zeros((height, width))
    plane[:kernel.shape[0], :kernel.shape[1]] = kernel
    return np.fft.fft2(np.roll(plane, [-(side // 2) for side in kernel.shape], axis=(0, 1)))


def transfer_function(kernel, height, width):
    """Correlation, anchor at size // 2 (Note [Kernel convention]); a large kernel wraps around. For odd sides the same
    as KAIR's with the kernel flipped."""
    plane = np.zeros((height, width))
    for (row, column), weight in np.ndenumerate(kernel):
        plane[(row - kernel.shape[0] // 2) % height, (column - kernel.shape[1] // 2) % width] += weight
    transfer = np.conj(np.fft.fft2(plane))
    odd = kernel.shape[0] % 2 and kernel.shape[1] % 2
    if odd and kernel.shape[0] <= height and kernel.shape[1] <= width:
        assert np.allclose(transfer, p2o(kernel[::-1, ::-1], height, width))
    return transfer


def mean_of_aliases(spectrum, s):
    rows = np.split(spectrum, s, axis=-2)
    return np.mean([part for row in rows for part in np.split(row, s, axis=-1)], axis=0)


def data_step(x, y, fb, alpha, s):
    """Equation 7 of the paper."""
    sparse = np.zeros_like(x)
    sparse[:, ::s, ::s] = y
    right = np.conj(fb) * np.fft.fft2(sparse) + np.fft.fft2(alpha * x)
    inverse = mean_of_aliases(fb * right, s) / (mean_of_aliases(np.abs(fb)**2, s) + alpha)
    return np.real(np.fft.ifft2((right - np.conj(fb) * np.tile(inverse, (1, s, s))) / alpha))


def blocks_of(w, x, name, first, count):
    for i in range(first, first + count):
        x = residual(w, x, f"{name}.{i}.res.0", f"{name}.{i}.res.2", bias=False)
    return x


def denoise(w, x, blocks):
    """ResUNet without biases; sides are first filled up to multiples of 8."""
    _, height, width = x.shape
    seen = [w.conv(pad(x, 0, -height % 8, 0, -width % 8, "edge"), "p.m_head", WIDTHS[0], bias=False)]
    for level in range(3):
        name = f"p.m_down{level + 1}"
        y = blocks_of(w, seen[-1], name, 0, blocks)
        seen.append(w.conv(y, f"{name}.{blocks}", WIDTHS[level + 1], 2, stride=2, pad=0, bias=False))
    y = blocks_of(w, seen[3], "p.m_body", 0, blocks)
    for level in (2, 1, 0):
        name = f"p.m_up{level + 1}"
        weight = w.conv_weight(name + ".0.weight", (WIDTHS[level + 1], WIDTHS[level], 2, 2))
        y = blocks_of(w, conv_transpose2d(y + seen[level + 1], weight, stride=2), name, 1, blocks)
    return w.conv(y + seen[0], "p.m_tail", 3, bias=False)[:, :height, :width]


def usrnet_periodic(w, y, kernel, s, noise, blocks, steps):
    fb = transfer_function(kernel, y.shape[1] * s, y.shape[2] * s)
    known = np.array([noise, s]).reshape(2, 1, 1)
    hidden = relu(w.conv(relu(w.conv(known, "h.mlp.0", 8, 1)), "h.mlp.2", 8, 1))
    strengths = np.ravel(softplus(w.conv(hidden, "h.mlp.4", 2 * steps, 1)) + 1e-6)
    x = nearest(y, s)
    for i in range(steps):
        x = data_step(x, y, fb, strengths[i], s)
        level = np.full((1, *x.shape[1:]), strengths[steps + i])
        x = denoise(w, np.concatenate([x, level]), blocks)
    return x


def margins_of(length, wanted):
    """As many pixels on both sides; at the end more, until the length is a product of 2, 3 and 5."""
    first = min(wanted, length - 1)
    for last in range(first, length):
        rest = first + length + last
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return first, last
    return first, first


def tapered(image, margins):
    """This project's own treatment of a photo that is not periodic: the mirrored margins go over into a version blurred
    across the photo's ends, by half a cosine; the blur is a Gaussian of a third of the margin (at least 1 pixel)."""
    blur, window = [], []
    for length, (first, last) in zip(image.shape[1:], margins):
        sigma = max(1.0, first / 3.0)
        blur.append(np.exp(-2.0 * (np.pi * sigma * np.fft.fftfreq(length))**2))
        up, down = (0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in (first, last))
        window.append(np.concatenate([up, np.ones(length - first - last), down[::-1]]))
    smooth = np.real(np.fft.ifft2(np.fft.fft2(image) * np.outer(*blur)))
    return smooth + (image - smooth) * np.outer(*window)


def usrnet_forward(w, y, kernel, s, noise, circular, blocks, steps):
    if circular:
        return usrnet_periodic(w, y, kernel, s, noise, blocks, steps)
    _, height, width = y.shape
    radius = max(kernel.shape) // s + 1
    (top, bottom), (left, right) = margins = [margins_of(length, max(24, radius)) for length in (height, width)]
    wider = tapered(pad(y, top, bottom, left, right, "reflect"), margins)
    made = usrnet_periodic(w, wider, kernel, s, noise, blocks, steps)
    return made[:, top * s:(top + height) * s, left * s:(left + width) * s]


def usrnet():
    family = Family("usrnet")
    small, even, large = (5, 7), (4, 6), (29, 25)
    for blocks, steps, cases in (
            (1, 2, ((1, True, (13, 11), small), (2, True, (12, 9), small), (3, True, (8, 7), small),
                    (4, True, (6, 8), small), (2, True, (9, 10), even), (1, True, (18, 20), large))),
            (2, 3, ((2, False, (30, 27), small), (3, False, (9, 12), small), (1, False, (35, 33), large)))):
        w = Weights(gain=0.8)
        runs = []
        for i, (s, circular, size, kernel_size) in enumerate(cases):
            noise = 0.02 * i
            image = Image(f"usrnet {size}", (3, *size))
            kernel = Image(f"kernel {kernel_size}", kernel_size)
            weights = kernel.values / kernel.values.sum()
            made = usrnet_forward(w, image.values, weights, s, noise, circular, blocks, steps)
            settings = {"scale": s, "image": image, "kernel": kernel, "noise": noise, "circular": circular}
            runs.append((settings, made))
        family.add(f"{blocks} blocks a level, {steps} steps, {'periodic' if cases[0][1] else 'not periodic'}", w, runs)
    return family


FAMILIES = [usrnet]
