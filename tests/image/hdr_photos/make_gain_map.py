#!/usr/bin/env python3
"""Writes gain_map.jpg: an Ultra HDR photo put together by hand from two JPEG files, with NumPy and Pillow.

Little-endian index of pictures (CIPA DC-007), XMP of Ultra HDR 1.1 (Google), EXIF orientation 6.
"""

import io
import os
import struct

import numpy as np
from PIL import Image

XMP = b"http://ns.adobe.com/xap/1.0/\0"
MAP_XMP = (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
           b'<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" '
           b'hdrgm:GainMapMin="0" hdrgm:GainMapMax="2.5" hdrgm:Gamma="1" hdrgm:OffsetSDR="0.015625" '
           b'hdrgm:OffsetHDR="0.015625" hdrgm:HDRCapacityMin="0" hdrgm:HDRCapacityMax="2.5" '
           b'hdrgm:BaseRenditionIsHDR="False"/></rdf:RDF></x:xmpmeta>')


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


def main():
    y, x = np.mgrid[0:48, 0:64]
    photo = np.stack([x * 3, y * 4, 90 + x + y], -1).astype(np.uint8)
    gains = (np.mgrid[0:24, 0:32][1] * 7).astype(np.uint8)
    second = jpeg(gains)
    second = second[:2] + segment(0xE1, XMP + MAP_XMP) + second[2:]
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    directory = (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
                 b'<rdf:Description rdf:about="" xmlns:Container="http://ns.google.com/photos/1.0/container/" '
                 b'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
                 b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" dc:source="by hand">'
                 b'<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Primary" '
                 b'Item:Mime="image/jpeg"/></rdf:li><rdf:li rdf:parseType="Resource"><Container:Item '
                 b'Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="%d"/></rdf:li></rdf:Seq>'
                 b'</Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>' % len(second))
    first = jpeg(photo)
    before = first[:2] + segment(0xE1, exif) + segment(0xE1, XMP + directory)
    size = len(before) + 4 + 4 + 82 + len(first) - 2
    base = len(before) + 8  # of the index's offsets
    entries = struct.pack("<IIIHH", 0x030000, size, 0, 0, 0) + struct.pack("<IIIHH", 0, len(second), size - base, 0, 0)
    index = b"II*\0" + struct.pack("<IH", 8, 3) + struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
    index += struct.pack("<HHII", 0xB001, 4, 1, 2) + struct.pack("<HHII", 0xB002, 7, 32, 50) + bytes(4) + entries
    assert len(index) == 82
    whole = before + segment(0xE2, b"MPF\0" + index) + first[2:] + second
    assert whole[size:] == second
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "gain_map.jpg"), "wb") as file:
        file.write(whole)


if __name__ == "__main__":
    main()
