"""Networks on the enlarged luma: DnCNN (Zhang 2017), DRCN (Kim 2016), DRRN, MemNet (Tai 2017), RED-Net (Mao 2016)."""

import numpy as np

from layers import batch_norm, conv2d, relu
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


FAMILIES = [dncnn, drcn]
