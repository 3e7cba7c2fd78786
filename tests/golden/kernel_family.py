"""KXNet (Fu et al., ECCV 2022), from jiahong-fu/KXNet's modules/BKXNet.py."""

import numpy as np

from layers import bicubic, conv2d, pad, pixel_shuffle, pixel_unshuffle, relu
from recorder import Family, Image, Weights


def reblurred(x, kernel, s):
    """Each channel correlated with the kernel, mirrored at the ends, every s-th pixel."""
    half = kernel.shape[0] // 2
    wide = pad(x, half, half, half, half, "reflect")
    made = np.zeros_like(x)
    for (row, column), weight in np.ndenumerate(kernel):
        made += weight * wide[:, row:row + x.shape[1], column:column + x.shape[2]]
    return made[:, ::s, ::s]


def kernel_step(x, y, kernel, s, gamma):
    """A step along the gradient of half of the squared error, a mean over the small photo's values."""
    half = kernel.shape[0] // 2
    error = reblurred(x, kernel, s) - y
    wide = pad(x, half, half, half, half, "reflect")
    gradient = np.zeros_like(kernel)
    for row, column in np.ndindex(*kernel.shape):
        seen = wide[:, row:row + x.shape[1]:s, column:column + x.shape[2]:s]
        gradient[row, column] = (seen * error).mean()
    return kernel - gamma / 10 * gradient


def spread(small, kernel, s):
    """Each small pixel's kernel on the fine grid; what falls outside is lost."""
    half = kernel.shape[0] // 2
    channels, height, width = small.shape
    wide = np.zeros((channels, s * height + 2 * half, s * width + 2 * half))
    for (row, column), weight in np.ndenumerate(kernel):
        wide[:, row:row + s * height:s, column:column + s * width:s] += weight * small
    return wide[:, half:half + s * height, half:half + s * width]


def proximal(w, name, x):
    y = x
    for block in range(1, 5):
        inner = relu(w.conv(y, f"{name}{block}.0", x.shape[0]))
        y = relu(y + 0.1 * w.conv(inner, f"{name}{block}.2", x.shape[0]))
    return relu(x + 0.1 * w.conv(y, f"{name}5.0", x.shape[0]))


def kxnet_forward(w, y, s, stages, side, image_maps, kernel_maps):
    gammas = w.tensor("gamma_stage", (stages, 1), 0.3, 1.0)
    w.tensor("eta_stage", (stages, 1), 0.3, 1.0)
    maps = conv2d(y, w.tensor("AV_X_ker", (image_maps, 3, 3, 3), 0.3), pad=1)
    kernel_aux = w.tensor("kernel_map", (kernel_maps, side, side), 0.05, 0.05)
    profile = np.exp(-(np.arange(side) - side // 2)**2 / 2.0)
    kernel = np.outer(profile, profile) / profile.sum()**2
    x = bicubic(y, s * y.shape[1], s * y.shape[2])
    colours = 3 * s * s
    for i in range(stages):
        step = kernel_step(x, y, kernel, s, gammas[i, 0])
        made = proximal(w, f"K_stage.{i}.K_ProNet.resk", np.concatenate([np.repeat(step[None], 3, 0), kernel_aux]))
        kernel_aux = made[3:]
        kernel = relu(made[:3].mean(axis=0) + 1e-5)
        kernel = kernel / kernel.sum()
        error = reblurred(x, kernel, s) - y
        gradient = spread(error, kernel, s) / (spread(np.ones_like(error), kernel, s) + 1e-10)
        seen = np.concatenate([pixel_unshuffle(x, s), pixel_unshuffle(gradient, s), y, maps])
        made = proximal(w, f"X_stage.{i}.X_ProNet.resx", seen)
        x = pixel_shuffle(made[:colours], s)
        maps = made[2 * colours + 3:]
    return x, kernel


def kxnet():
    family = Family("kxnet")
    for s, stages, side, image_maps, kernel_maps, size in ((2, 2, 5, 4, 3, (9, 8)), (3, 1, 7, 5, 2, (6, 7)),
                                                           (4, 2, 3, 3, 5, (5, 6))):
        w = Weights()
        image = Image(f"kxnet x{s}", (3, *size))
        made, kernel = kxnet_forward(w, image.values, s, stages, side, image_maps, kernel_maps)
        family.add(f"{stages} stages, x{s}", w, [({"scale": s, "image": image}, made)],
                   kernel=[float(f"{value:.7g}") for value in np.ravel(kernel)])
    return family


FAMILIES = [kxnet]
