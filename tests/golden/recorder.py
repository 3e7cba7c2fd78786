"""Records which tensors a network uses, and samples of its output."""

import json
import os

import numpy as np

import formula
import layers

SAMPLES = 64


def rounded(value):
    return float(f"{value:.7g}")


class Weights:
    """The tensors of one weights file, created on first use."""

    def __init__(self, bias=0.1, gain=1.0):
        self.bias, self.gain = bias, gain
        self.entries, self.values = {}, {}

    def _keep(self, name, shape, rest, make):
        if name in self.entries:
            assert self.entries[name][1] == list(shape), name
        else:
            self.entries[name] = [name, list(shape), *rest]
            self.values[name] = make()
        return self.values[name].astype(np.float64)

    def tensor(self, name, shape, scale, offset=0.0):
        """float64 copy of the float32 numbers by formula."""
        scale, offset = (float(str(np.float32(value))) for value in (scale, offset))
        return self._keep(name, shape, [scale, offset], lambda: formula.tensor(name, shape, scale, offset))

    def constant(self, name, shape, numbers):
        numbers = [float(str(np.float32(n))) for n in np.ravel(numbers)]
        return self._keep(name, shape, [numbers], lambda: np.asarray(numbers, np.float32).reshape(shape))

    def conv_weight(self, name, shape, gain=None):
        """Uniform with variance gain^2 / fan-in."""
        return self.tensor(name, shape, (gain or self.gain) * np.sqrt(3.0 / np.prod(shape[1:])))

    def conv(self, x, name, out, side=3, stride=1, pad=None, groups=1, bias=True, bias_offset=0.0, gain=None,
             dilation=1):
        weight = self.conv_weight(name + ".weight", (out, x.shape[0] // groups, side, side), gain)
        shift = self.tensor(name + ".bias", (out,), self.bias, bias_offset) if bias else None
        return layers.conv2d(x, weight, shift, stride, dilation * (side // 2) if pad is None else pad, groups, dilation)

    def deconv(self, x, name, out, side, stride=1, pad=0, output_pad=0, bias=True, gain=None):
        """Transposed convolution, weight [in, out, k, k]; an output pixel sees in * (k / stride)^2 of its numbers."""
        shape = (x.shape[0], out, side, side)
        scale = (gain or self.gain) * np.sqrt(3.0 * stride**2 / (x.shape[0] * side**2))
        weight = self.tensor(name + ".weight", shape, scale)
        shift = self.tensor(name + ".bias", (out,), self.bias) if bias else None
        return layers.conv_transpose2d(x, weight, shift, stride, pad, output_pad)

    def linear(self, x, name, out, bias=True, gain=None):
        """Of tokens [..., in]."""
        weight = self.conv_weight(name + ".weight", (out, x.shape[-1]), gain)
        y = x @ weight.T
        return y + self.tensor(name + ".bias", (out,), self.bias) if bias else y

    def norm_parts(self, name, count):
        """Gains around 1 and shifts around 0."""
        return self.tensor(name + ".weight", (count,), 0.3, 1.0), self.tensor(name + ".bias", (count,), 0.1)

    def prelu(self, x, name, count=None):
        """Slopes around 0.25, one a channel unless `count` is 1."""
        return layers.prelu(x, self.tensor(name + ".weight", (count or x.shape[0],), 0.15, 0.25))


class Image:
    """An input by formula, in [0, 1) by default."""

    def __init__(self, name, shape, scale=0.5, offset=0.5):
        self.entry = [name, [1, *shape] if len(shape) == 3 else list(shape), scale, offset]
        self.values = formula.tensor(name, shape, scale, offset).astype(np.float64)


def samples_of(image):
    """Mean, standard deviation, a random projection (sensitive to the order of pixels), and evenly spaced samples."""
    flat = np.ravel(image)
    places = np.arange(SAMPLES) * (flat.size - 1) // (SAMPLES - 1)
    return {
        "shape": [1, *image.shape],
        "mean": rounded(flat.mean()),
        "std": rounded(flat.std()),
        "projection": rounded((flat * formula.unit("projection", flat.size)).mean()),
        "values": [rounded(value) for value in flat[places]],
    }


class Family:
    """Golden values of one kind of network, written to data/<name>.json."""

    def __init__(self, name):
        self.name, self.networks = name, []

    def add(self, name, weights, runs, **facts):
        """`runs`: pairs (settings, output); settings hold numbers, lists and Images."""
        plain = [({key: value.entry if isinstance(value, Image) else value for key, value in settings.items()},
                  samples_of(made)) for settings, made in runs]
        for _, made in plain:
            assert made["std"] > 1e-3, (self.name, name)
        self.networks.append((name, facts, list(weights.entries.values()), plain))

    def save(self, folder):
        text = json.dumps
        lines = ["[\n"]
        for i, (name, facts, weights, runs) in enumerate(self.networks):
            lines.append("{" + f'"name": {text(name)},\n')
            lines += [f"{text(key)}: {text(value)},\n" for key, value in facts.items()]
            lines.append('"weights": [\n' + ",\n".join(text(entry) for entry in weights) + "],\n")
            lines.append('"runs": [\n' + ",\n".join(self._run_text(*run) for run in runs) + "]}")
            lines.append(",\n" if i + 1 < len(self.networks) else "\n")
        lines.append("]\n")
        with open(os.path.join(folder, self.name + ".json"), "w", encoding="ascii") as file:
            file.write("".join(lines))

    @staticmethod
    def _run_text(settings, made):
        numbers = [repr(value) for value in made["values"]]
        rows = [", ".join(numbers[i:i + 8]) for i in range(0, len(numbers), 8)]
        head = json.dumps({key: value for key, value in made.items() if key != "values"})[:-1]
        return ('{"settings": ' + json.dumps(settings) + ',\n "output": ' + head + ', "values": [\n  ' +
                ",\n  ".join(rows) + "]}}")
