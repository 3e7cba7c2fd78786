"""Layers in plain NumPy, float64, on images [C, H, W]. Written from the layers' definitions in PyTorch's manual."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def conv2d(x, weight, bias=None, stride=1, pad=0, groups=1, dilation=1):
    """Correlation with weight [out, in / groups, k, k], zeros around the image."""
    side = dilation * (weight.shape[2] - 1) + 1
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    windows = sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride, ::dilation, ::dilation]
    parts = [
        np.tensordot(w, v, axes=([1, 2, 3], [0, 3, 4]))
        for w, v in zip(np.split(weight, groups), np.split(windows, groups))
    ]
    y = np.concatenate(parts)
    return y if bias is None else y + bias[:, None, None]


def conv_transpose2d(x, weight, bias=None, stride=1, pad=0, output_pad=0):
    """Every input pixel adds its weight [in, out, k, k] to the output, `stride` pixels apart."""
    side = weight.shape[2]
    _, height, width = x.shape
    full = np.zeros((weight.shape[1], (height - 1) * stride + side + output_pad,
                     (width - 1) * stride + side + output_pad))
    for dy in range(side):
        for dx in range(side):
            full[:, dy:dy + (height - 1) * stride + 1:stride, dx:dx + (width - 1) * stride + 1:stride] += np.tensordot(
                weight[:, :, dy, dx], x, axes=([0], [0]))
    y = full[:, pad:full.shape[1] - pad, pad:full.shape[2] - pad]
    return y if bias is None else y + bias[:, None, None]


def pixel_shuffle(x, s, s_x=None):
    """Channel c s s_x + i s_x + j becomes pixel (i, j) of channel c."""
    s_x = s_x or s
    channels, height, width = x.shape
    y = x.reshape(channels // (s * s_x), s, s_x, height, width)
    return y.transpose(0, 3, 1, 4, 2).reshape(-1, height * s, width * s_x)


def pixel_unshuffle(x, s):
    channels, height, width = x.shape
    y = x.reshape(channels, height // s, s, width // s, s)
    return y.transpose(0, 2, 4, 1, 3).reshape(-1, height // s, width // s)


def relu(x):
    return np.maximum(x, 0.0)


def leaky(x, slope):
    return np.where(x > 0, x, slope * x)


def prelu(x, slopes):
    """One slope for all channels or one a channel."""
    return np.where(x > 0, x, np.asarray(slopes).reshape(-1, 1, 1) * x)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-np.maximum(x, -700.0)))


def silu(x):
    return x * sigmoid(x)


def mish(x):
    return x * np.tanh(softplus(x))


_erf = np.vectorize(math.erf, otypes=[np.float64])


def gelu(x):
    """With the normal distribution itself, not the tanh approximation."""
    return 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0)))


def softmax(x, axis):
    y = np.exp(x - x.max(axis=axis, keepdims=True))
    return y / y.sum(axis=axis, keepdims=True)


def softplus(x):
    return np.log1p(np.exp(x))


def nearest(x, s):
    return x.repeat(s, axis=1).repeat(s, axis=2)


def nearest_to(x, height, width):
    """Nearest neighbour to a size; counts towards the top left."""
    rows, columns = (np.arange(size) * length // size for size, length in zip((height, width), x.shape[1:]))
    return x[:, rows][:, :, columns]


def _bilinear_matrix(length, size):
    matrix = np.zeros((size, length))
    for i in range(size):
        place = max((i + 0.5) * length / size - 0.5, 0.0)
        low = int(place)
        high = min(low + 1, length - 1)
        matrix[i, low] += 1.0 - (place - low)
        matrix[i, high] += place - low
    return matrix


def bilinear(x, height, width):
    """align_corners=False."""
    return np.einsum("ih,chw,jw->cij", _bilinear_matrix(x.shape[1], height), x, _bilinear_matrix(x.shape[2], width))


def _bicubic_matrix(length, size):
    """Keys' kernel with a = -0.75 at pixel centres, as PyTorch has it; edge pixels are repeated."""
    def kernel(t):
        t = abs(t)
        if t <= 1:
            return (1.25 * t - 2.25) * t * t + 1
        return ((-0.75 * t + 3.75) * t - 6) * t + 3 if t < 2 else 0.0
    matrix = np.zeros((size, length))
    for i in range(size):
        place = (i + 0.5) * length / size - 0.5
        for k in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            matrix[i, min(max(k, 0), length - 1)] += kernel(place - k)
    return matrix


def bicubic(x, height, width):
    """align_corners=False."""
    return np.einsum("ih,chw,jw->cij", _bicubic_matrix(x.shape[1], height), x, _bicubic_matrix(x.shape[2], width))


def _imresize_matrix(length, size):
    """MATLAB's bicubic enlargement: Keys' kernel with a = -0.5; the image is mirrored, edge pixels included."""
    def kernel(t):
        t = abs(t)
        if t <= 1:
            return (1.5 * t - 2.5) * t * t + 1
        return ((-0.5 * t + 2.5) * t - 4) * t + 2 if t < 2 else 0.0
    matrix = np.zeros((size, length))
    for i in range(size):
        place = (i + 0.5) * length / size - 0.5
        for k in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            inside = -k - 1 if k < 0 else 2 * length - 1 - k if k >= length else k
            matrix[i, inside] += kernel(place - k)
    return matrix


def imresize_up(x, scale):
    rows, columns = (_imresize_matrix(length, length * scale) for length in x.shape[1:])
    return np.einsum("ih,chw,jw->cij", rows, x, columns)


def max_pool(x, side, stride):
    return sliding_window_view(x, (side, side), axis=(1, 2))[:, ::stride, ::stride].max(axis=(3, 4))


def adaptive_max_pool(x, height, width):
    """The largest value of every cell of a grid; cells may overlap by a pixel where the size does not divide."""
    _, rows, columns = x.shape
    y = np.empty((x.shape[0], height, width))
    for i in range(height):
        for j in range(width):
            cell = x[:, i * rows // height:-(-(i + 1) * rows // height)]
            y[:, i, j] = cell[:, :, j * columns // width:-(-(j + 1) * columns // width)].max(axis=(1, 2))
    return y


def layer_norm(x, gain, shift, eps=1e-5, axis=0):
    """Over the channels of every pixel, or over the last axis of tokens (axis=-1)."""
    shape = [1] * x.ndim
    shape[axis] = -1
    y = (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(x.var(axis=axis, keepdims=True) + eps)
    return y * gain.reshape(shape) + shift.reshape(shape)


def group_norm(x, groups, gain, shift, eps=1e-5):
    y = x.reshape(groups, -1)
    y = (y - y.mean(axis=1, keepdims=True)) / np.sqrt(y.var(axis=1, keepdims=True) + eps)
    return y.reshape(x.shape) * gain[:, None, None] + shift[:, None, None]


def batch_norm(x, gain, shift, mean=None, variance=None):
    """With stored statistics, or those of the image itself (biased variance)."""
    mean = x.mean(axis=(1, 2)) if mean is None else mean
    variance = x.var(axis=(1, 2)) if variance is None else variance
    factor = gain / np.sqrt(variance + 1e-5)
    return (x - mean[:, None, None]) * factor[:, None, None] + shift[:, None, None]


def pad(x, top, bottom, left, right, mode):
    """mode: "edge" repeats the edge pixels, "reflect" mirrors without them."""
    return np.pad(x, ((0, 0), (top, bottom), (left, right)), mode=mode)
