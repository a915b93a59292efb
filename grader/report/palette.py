"""Numbers to colours: viridis, which is read alike in colour, in grey and by colour-blind eyes.

Source: Stéfan van der Walt and Nathaniel Smith, "A better default colormap for Matplotlib", SciPy 2015 (CC0); 9 stops.
"""

from __future__ import annotations

from .planes import share

VIRIDIS = (
    (68, 1, 84),
    (71, 44, 122),
    (59, 81, 139),
    (44, 113, 142),
    (33, 144, 141),
    (39, 173, 129),
    (92, 200, 99),
    (170, 220, 50),
    (253, 231, 37),
)
# One colour a class, told apart by colour-blind eyes too. Source: Okabe and Ito, "Color Universal Design", 2008.
OKABE_ITO = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (60, 60, 60),
)
NO_NUMBER = (128, 128, 128)  # NaN and infinities: grey, off the scale


def rgb(value: float | None, low: float, high: float, *, classes: bool = False) -> tuple[int, int, int]:
    """The colour of a value on the scale from low to high; grey for what is no finite number.

    `classes`: of a class instead, grey for what cannot be one of a few.
    """
    if value is None:
        return NO_NUMBER
    if classes:
        return OKABE_ITO[int(value)] if 0 <= value < len(OKABE_ITO) else NO_NUMBER
    place = share(value, low, high) * (len(VIRIDIS) - 1)
    lower = min(int(place), len(VIRIDIS) - 2)
    part = place - lower
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(VIRIDIS[lower], VIRIDIS[lower + 1], strict=True))
    return red, green, blue


def colour(value: float | None, low: float, high: float, *, classes: bool = False) -> str:
    """The same as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*rgb(value, low, high, classes=classes))


def ink(value: float | None, low: float, high: float, *, classes: bool = False) -> str:
    """Black or white, whichever is read better on that colour (WCAG relative luminance; 0.18 is where they swap)."""
    red, green, blue = ((channel / 255) ** 2.2 for channel in rgb(value, low, high, classes=classes))
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "#ffffff"
