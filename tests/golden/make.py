#!/usr/bin/env python3
"""Writes data/*.json: the outputs of small networks with weights by formula. Needs NumPy alone."""

import json
import os
import sys

import any_scale_family
import attention_family
import blind_family
import carn_family
import degradation_family
import dense_family
import described_family
import distillation_family
import edsr_family
import formula
import hdr_family
import kernel_family
import laplacian_family
import light_family
import modulation_family
import mosaic_family
import pan_family
import patch_family
import plain_family
import projection_family
import recursive_family
import recursive_pixels_family
import rrdb_family
import skip_family
import srresnet_family
import start_family
import supervision_family
import transformer_family
import trunk_family
import usrnet_family
import wavelet_family
import window_family

MODULES = [edsr_family, trunk_family, srresnet_family, rrdb_family, distillation_family, carn_family, plain_family,
           usrnet_family, start_family, skip_family, pan_family, light_family,
           modulation_family, laplacian_family, recursive_family, attention_family,
           dense_family, projection_family, wavelet_family, transformer_family, mosaic_family, hdr_family,
           degradation_family, window_family, any_scale_family, patch_family, described_family, kernel_family,
           blind_family, recursive_pixels_family, supervision_family]


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
    os.makedirs(folder, exist_ok=True)
    wanted = sys.argv[1:]
    for module in MODULES:
        for make in module.FAMILIES:
            if not wanted or make.__name__ in wanted:
                make().save(folder)
                print(make.__name__)
    names = ("", "head.0.weight", "body")
    values = [[name, formula.tensor(name, (5,), 0.3, 0.1).astype(float).tolist()] for name in names]
    with open(os.path.join(folder, "formula.json"), "w", encoding="ascii") as file:
        file.write("[\n" + ",\n".join(json.dumps(entry) for entry in values) + "\n]\n")


if __name__ == "__main__":
    main()
