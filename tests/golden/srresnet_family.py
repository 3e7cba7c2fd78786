"""SRResNet (Ledig et al., CVPR 2017): BasicSR's MSRResNet without normalisation, and SRGAN's generator."""

import numpy as np

from edsr_family import factors, residual
from layers import batch_norm, bilinear, leaky, pixel_shuffle
from recorder import Family, Image, Weights


def msrresnet(w, image, width, blocks, scale):
    """LeakyReLU 0.1; no long sum; the bilinearly upscaled input is added."""
    x = leaky(w.conv(image, "conv_first", width), 0.1)
    for i in range(blocks):
        x = residual(w, x, f"body.{i}.conv1", f"body.{i}.conv2")
    for i, factor in enumerate(factors(scale)):
        x = leaky(pixel_shuffle(w.conv(x, f"upconv{i + 1}", width * factor**2), factor), 0.1)
    x = leaky(w.conv(x, "conv_hr", width), 0.1)
    return w.conv(x, "conv_last", 3) + bilinear(image, image.shape[1] * scale, image.shape[2] * scale)


def normalise(w, x, name):
    count = x.shape[0]
    w.constant(name + ".num_batches_tracked", (), 7)
    return batch_norm(x, w.tensor(name + ".weight", (count,), 0.3, 1.0), w.tensor(name + ".bias", (count,), 0.2),
                      w.tensor(name + ".running_mean", (count,), 0.2),
                      w.tensor(name + ".running_var", (count,), 0.3, 0.8))


def generator(w, image, width, blocks, scale):
    """leftthomas/SRGAN as its published files are: block7 (here the one after the residual blocks) is a convolution
    and a PReLU; later code has batch normalisation there. One slope for all channels."""
    first = w.prelu(w.conv(image, "block1.0", width, 9), "block1.1", 1)
    x = first
    for i in range(2, 2 + blocks):
        y = normalise(w, w.conv(x, f"block{i}.conv1", width), f"block{i}.bn1")
        y = w.prelu(y, f"block{i}.prelu", 1)
        x = x + normalise(w, w.conv(y, f"block{i}.conv2", width), f"block{i}.bn2")
    after, last = f"block{2 + blocks}", f"block{3 + blocks}"
    x = first + w.prelu(w.conv(x, after + ".0", width), after + ".1", 1)
    doublings = int(np.log2(scale))
    for i in range(doublings):
        x = pixel_shuffle(w.conv(x, f"{last}.{i}.conv", 4 * width), 2)
        x = w.prelu(x, f"{last}.{i}.prelu", 1)
    return (np.tanh(w.conv(x, f"{last}.{doublings}", 3, 9)) + 1.0) / 2.0


def srresnet():
    family = Family("srresnet")
    for scale, blocks, size in ((2, 2, (11, 9)), (3, 1, (8, 10)), (4, 2, (7, 6))):
        w = Weights()
        image = Image(f"srresnet x{scale}", (3, *size))
        family.add(f"BasicSR, {blocks} blocks of 16, x{scale}", w,
                   [({"scale": scale, "image": image}, msrresnet(w, image.values, 16, blocks, scale))])
    for scale, blocks in ((2, 2), (4, 1), (8, 1)):
        w = Weights()
        image = Image(f"srgan x{scale}", (3, 7, 8))
        family.add(f"SRGAN's generator, {blocks} blocks of 16, x{scale}", w,
                   [({"scale": scale, "image": image}, generator(w, image.values, 16, blocks, scale))])
    return family


FAMILIES = [srresnet]
