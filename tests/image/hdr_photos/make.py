#!/usr/bin/env python3
"""Writes the small HDR photos of this folder from the formulas of the standards, with NumPy alone.

The AVIF files were made of pq.png by libavif 0.11 and libaom:

    avifenc -l --cicp 9/16/9 -d 10 -y 444 -r full pq.png pq_10.avif
    avifenc -l --cicp 12/16/0 -d 12 -y 444 -r full pq.png p3_identity_12.avif
    avifenc --min 0 --max 0 --cicp 9/16/9 -d 10 -y 420 -r limited pq.png pq_420_narrow.avif
"""

import os
import struct
import zlib

import numpy as np

HEIGHT, WIDTH = 16, 24
FOLDER = os.path.dirname(os.path.abspath(__file__))


def codes():
    """What every file holds: R'G'B' in codes of 10 bits."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([50 + 30 * x, 100 + 40 * y, 200 + 10 * (x + y)], -1)


def light(values):
    """SMPTE ST 2084, cd/m2."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = values ** (1 / m2)
    return 10000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


def save(name, data):
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(data)


def png(samples, cicp=None, profile=None):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0))
    if cicp:
        data += chunk(b"cICP", bytes(cicp))
    if profile:
        data += chunk(b"iCCP", b"HDR\0\0" + zlib.compress(profile))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in np.round(samples))
    return data + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def profile_with_cicp(primaries, transfer):
    """An ICC profile of the tags cicp and cprt alone; libpng refuses profiles of a few bytes."""
    tags = [(b"cicp", b"cicp" + bytes([0, 0, 0, 0, primaries, transfer, 0, 1])),
            (b"cprt", b"text\0\0\0\0" + bytes(32 + (i * i * 7) % 90 for i in range(400)))]
    table, data, first = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, tag in tags:
        table += name + struct.pack(">II", first + len(data), len(tag))
        data += tag
    head = struct.pack(">I4sI", first + len(data), b"\0\0\0\0", 0x04400000) + b"mntrRGB XYZ "
    head = head.ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)  # D50
    return head.ljust(128, b"\0") + table + data


def exr(planes, kind, attributes=()):
    """Uncompressed scanlines (OpenEXR's document "File Layout"), "<f2" or "<f4"."""
    def attribute(name, form, value):
        return name.encode() + b"\0" + form.encode() + b"\0" + struct.pack("<i", len(value)) + value

    names = sorted(planes)
    pixel_type = {"<f2": 1, "<f4": 2}[kind]
    channels = b"".join(n.encode() + b"\0" + struct.pack("<iB3xii", pixel_type, 0, 1, 1) for n in names) + b"\0"
    box = struct.pack("<4i", 0, 0, WIDTH - 1, HEIGHT - 1)
    head = struct.pack("<II", 20000630, 2) + attribute("channels", "chlist", channels)
    head += attribute("compression", "compression", b"\0")
    head += attribute("dataWindow", "box2i", box) + attribute("displayWindow", "box2i", box)
    head += attribute("lineOrder", "lineOrder", b"\0") + attribute("pixelAspectRatio", "float", struct.pack("<f", 1))
    head += attribute("screenWindowCenter", "v2f", struct.pack("<2f", 0, 0))
    head += attribute("screenWindowWidth", "float", struct.pack("<f", 1))
    for given in attributes:
        head += attribute(*given)
    head += b"\0"
    rows = [b"".join(planes[n][y].astype(kind).tobytes() for n in names) for y in range(HEIGHT)]
    rows = [struct.pack("<ii", y, len(row)) + row for y, row in enumerate(rows)]
    first = len(head) + 8 * HEIGHT
    offsets = first + len(rows[0]) * np.arange(HEIGHT)
    return head + offsets.astype("<u8").tobytes() + b"".join(rows)


def tiff(values):
    """Little-endian, one strip of 32-bit floats, no profile."""
    data = values.astype("<f4").tobytes()
    base = 8 + 2 + 12 * 11 + 4
    entries = [(256, 4, 1, WIDTH), (257, 4, 1, HEIGHT), (258, 3, 3, base), (259, 3, 1, 1), (262, 3, 1, 2),
               (273, 4, 1, base + 12), (277, 3, 1, 3), (278, 4, 1, HEIGHT), (279, 4, 1, len(data)), (284, 3, 1, 1),
               (339, 3, 3, base + 6)]
    table = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + table + bytes(4) + struct.pack("<6H", 32, 32, 32, 3, 3, 3) + data


def main():
    values = codes() / 1023
    linear = light(values) / 203
    rgb = {"R": linear[..., 0], "G": linear[..., 1], "B": linear[..., 2]}
    save("pq.png", png(values * 65535, (9, 16, 0, 1)))
    save("hlg.png", png(values * 65535, (9, 18, 0, 1)))
    save("narrow.png", png((values * 219 + 16) * 256, (9, 16, 0, 0)))
    save("profile.png", png(values * 65535, profile=profile_with_cicp(12, 16)))
    save("float.exr", exr(rgb, "<f4"))
    bt2020 = struct.pack("<8f", 0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
    half = {name: plane * 2.03 for name, plane in rgb.items()}
    save("half.exr", exr(half, "<f2", [("chromaticities", "chromaticities", bt2020),
                                       ("whiteLuminance", "float", struct.pack("<f", 100))]))
    alpha = np.where(np.arange(WIDTH) < 12, 1.0, 0.25)[None] * np.ones((HEIGHT, 1))
    save("alpha.exr", exr({**{name: plane * alpha for name, plane in rgb.items()}, "A": alpha}, "<f4"))
    strange = {name: plane.copy() for name, plane in rgb.items()}
    strange["R"][0, :4] = -0.5
    strange["G"][1, 0] = np.nan
    strange["B"][2, :8] = 200.0
    save("strange.exr", exr(strange, "<f4"))
    save("float.tif", tiff(linear))


if __name__ == "__main__":
    main()
