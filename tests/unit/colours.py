"""How colours are seen: contrast, and the distance of two colours to those who lack a kind of cone."""

from __future__ import annotations

import math
from itertools import product

Colour = tuple[float, float, float]
Matrix = tuple[Colour, Colour, Colour]

#: On linear RGB. Source: Machado, Oliveira, Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency", severity 1.
SIGHTS: dict[str, Matrix] = {
    "trichromat": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanope": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranope": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanope": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
#: Linear sRGB to XYZ under D65. Source: IEC 61966-2-1.
_XYZ: Matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))


def _times(matrix: Matrix, colour: Colour) -> Colour:
    first, second, third = (sum(part * one for part, one in zip(row, colour, strict=True)) for row in matrix)
    return first, second, third


def linear(text: str) -> Colour:
    """#rrggbb as linear RGB."""
    parts = (int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio. Source: WCAG 2.2."""
    lighter, darker = sorted((_times(_XYZ, linear(colour))[1] for colour in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _lab(colour: Colour) -> Colour:
    whites = _times(_XYZ, (1, 1, 1))
    shares = [part / white for part, white in zip(_times(_XYZ, colour), whites, strict=True)]
    x, y, z = (math.cbrt(share) if share > 0.008856 else 7.787 * share + 16 / 116 for share in shares)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: str, other: str) -> float:
    """How far two colours are apart (CIE76) to whoever of SIGHTS tells them apart worst; 2.3 is just noticeable."""

    def seen(matrix: Matrix, text: str) -> Colour:
        red, green, blue = (min(max(part, 0.0), 1.0) for part in _times(matrix, linear(text)))
        return _lab((red, green, blue))

    return min(math.dist(seen(matrix, one), seen(matrix, other)) for matrix in SIGHTS.values())


def closest(colours: list[str]) -> float:
    """The distance of the two that are told apart worst."""
    return min(distance(one, other) for one, other in product(colours, colours) if one < other)
