"""Pictures of the tests' own: the least that each format's readers take, in any
size; and what is wrong with some."""

import struct
import zlib


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width=64, height=64, seed=0):
    """One colour, which the seed chooses. Larger ones say that they are, and have the pixels of the first row."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([seed % 256]) * width) * min(height, 64))
    text = _chunk(b"tEXt", b"Comment\0" + str(seed).encode())
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + text + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def jpeg(width=64, height=64, sof=0xC0):
    """Up to the frame, with a segment in front of it that holds what looks like one."""
    application = b"JFIF\0" + b"\x01\x01\0\0\x01\0\x01\0\0" + b"\xff\xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0"
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\x01\x22\0\x02\x11\x01\x03\x11\x01"
    segments = ((0xE0, application), (0xDB, bytes(65)), (sof, frame), (0xDA, b"\x03\x01\0\x02\x11\x03\x11\0\x3f\0"))
    body = b"".join(struct.pack(">BBH", 0xFF, kind, len(data) + 2) + data for kind, data in segments)
    return b"\xff\xd8" + body + b"\0\xff\xd9"


def gif(width=64, height=64, version=b"GIF89a"):
    screen = version + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\0"
    return screen + image + b"\x3b"


def webp(width=64, height=64, kind=b"VP8L"):
    """Lossy (VP8 ), lossless (VP8L) or extended (VP8X)."""
    if kind == b"VP8 ":
        data = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0" * 4
    elif kind == b"VP8L":
        data = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\0" * 5
    else:
        data = b"\0" * 4 + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunk = kind + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


KINDS = {"image/png": png, "image/jpeg": jpeg, "image/gif": gif, "image/webp": webp}

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
