"""This project's own networks on EDSR's trunk, and SRMD (Zhang et al., CVPR 2018; KAIR's and ncnn's names).

The trained files of the restorer and of srmd-edsr hold EDSR's weights: for colours from 0 to 255. All that goes into
the trunk is therefore multiplied by 255 here, the condition maps too.
"""

import numpy as np

from edsr_family import BIAS, MEAN, SCALED, edsr_pytorch, residual
from layers import nearest, pixel_shuffle, relu
from recorder import Family, Image, Weights

CODE = 15  # SRMD's kernel code


def constant_maps(values, image):
    return np.broadcast_to(np.reshape(values, (-1, 1, 1)), (len(values), *image.shape[1:]))


def restorer_forward(w, image, width, blocks, scale, noise, quality):
    """README: maps are (known, noise / 50, known, (100 - quality) / 100); the result is added to nearest neighbours."""
    maps = [noise is not None, (noise or 0.0) / 50.0, quality is not None, (100.0 - (quality or 100.0)) / 100.0]
    x = np.concatenate([image - MEAN, constant_maps(np.float64(maps), image)]) * 255.0
    head = w.conv(x, "head.0", width)
    y = head
    for i in range(blocks):
        y = residual(w, y, f"body.{i}.body.0", f"body.{i}.body.2")
    y = w.conv(y, f"body.{blocks}", width) + head
    tail = w.conv(y, f"tail.x{scale}", 3 * scale**2)
    return pixel_shuffle(tail, scale) / 255.0 + nearest(image, scale)


def restorer():
    family = Family("restorer")
    for width, blocks, scales in ((16, 2, (1, 2, 3, 4)), (32, 1, (2,))):
        w = Weights(BIAS)
        runs = []
        for i, (noise, quality) in enumerate(((None, None), (20.0, None), (None, 35.0), (7.5, 60.0))):
            scale = scales[i % len(scales)]
            image = Image(f"restorer {i}", (3, 9 + i, 12 - i))
            settings = {"scale": scale, "image": image}
            settings |= {"noise": noise} if noise is not None else {}
            settings |= {"quality": quality} if quality is not None else {}
            runs.append((settings, restorer_forward(w, image.values, width, blocks, scale, noise, quality)))
        family.add(f"{blocks} blocks of {width}, scales {scales}", w, runs)
    return family


def srmd_forward(w, x, prefix, width, depth, scale):
    for i in range(depth):
        last = i + 1 == depth
        x = w.conv(x, f"{prefix}{2 * i}", 3 * scale**2 if last else width)
        x = x if last else relu(x)
    return pixel_shuffle(x, scale)


def srmd():
    family = Family("srmd")
    for prefix, scale, noise in (("model.", 2, 1), ("model.", 3, 0), ("Conv_", 3, 1), ("Conv_", 4, 0)):
        w = Weights()
        maps = Image(f"srmd x{scale}", (3 + CODE + noise, 9, 7))
        made = srmd_forward(w, maps.values, prefix, 16, 4, scale)
        family.add(f"{prefix} x{scale} {'with' if noise else 'without'} noise", w, [({"maps": maps}, made)])
    for width, scale, noise in ((16, 2, 1), (16, 3, 0), (16, 4, 1), (48, 2, 1)):
        w = Weights(BIAS)
        maps = Image(f"srmd-edsr x{scale}", (3 + CODE + noise, 7, 6))
        x = np.concatenate([maps.values[:3] - MEAN, maps.values[3:]]) * 255.0
        made = edsr_pytorch(w, x, width, 1, scale, scaling=0.1 if width == 48 else 1.0) / 255.0 + MEAN
        family.add(f"EDSR's trunk, {width} wide, x{scale} {'with' if noise else 'without'} noise", w,
                   [({"maps": maps}, made)], **({"remarks": SCALED} if width == 48 else {}))
    return family


FAMILIES = [restorer, srmd]
