"""Reliability diagrams: accuracy against confidence, with exact intervals and the number of images behind each bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from ssmae.metrics import ReliabilityBin
from ssmae.pictures.paper import (
    ACCENT,
    ACCENT_DARK,
    CAPTION,
    FAINT_INK,
    INK,
    LINE,
    MARGIN,
    NOTE,
    font,
    heading_height,
    page,
    width_of,
)

_SIDE, _COUNTS, _LEFT, _BETWEEN = 440, 70, 64, 40


@dataclass(frozen=True)
class Panel:
    """One diagram.

    Attributes:
        heading: what was measured.
        bins: as from `ssmae.metrics.reliability`.
    """

    heading: str
    bins: tuple[ReliabilityBin, ...]


def reliability_diagram(title: str, note: str, panels: Sequence[Panel]) -> Image.Image:
    """Draw the panels side by side: bars of accuracy, their intervals, the diagonal, and the images of each bin below.

    Source: the form of 1706.04599, figure 1, with intervals added.
    """
    width = max(1, len(panels)) * (_LEFT + _SIDE + _BETWEEN) - _BETWEEN + 2 * MARGIN
    top = heading_height(note, width) + 34
    image, draw = page(width, top + _SIDE + 18 + _COUNTS + 66 + MARGIN, title, note)
    for index, panel in enumerate(panels):
        _draw_panel(draw, panel, MARGIN + _LEFT + index * (_LEFT + _SIDE + _BETWEEN), top)
    return image


def _draw_panel(draw: ImageDraw.ImageDraw, panel: Panel, left: int, top: int) -> None:
    bottom, counts_top = top + _SIDE, top + _SIDE + 18
    counts_bottom = counts_top + _COUNTS
    draw.text((left, top - 34), panel.heading, INK, font(NOTE))
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = left + share * _SIDE, bottom - share * _SIDE
        draw.line((left, y, left + _SIDE, y), LINE)
        draw.line((x, top, x, bottom), LINE)
        _text(draw, f"{share:.0%}", left - 10, y - 10, align=1.0)
        _text(draw, f"{share:.0%}", x, counts_bottom + 8, align=0.5)
    most = max((row.count for row in panel.bins), default=0) or 1
    for row in panel.bins:
        x0, x1 = left + row.low * _SIDE + 1, left + row.high * _SIDE - 1
        draw.rectangle((x0, counts_bottom - row.count / most * _COUNTS, x1, counts_bottom), LINE)
        if row.accuracy is None:
            continue
        draw.rectangle((x0, bottom - row.accuracy * _SIDE, x1, bottom), ACCENT)
        middle = (x0 + x1) / 2
        low, high = bottom - row.accuracy_low * _SIDE, bottom - row.accuracy_high * _SIDE
        draw.line((middle, low, middle, high), ACCENT_DARK, 2)
        for end in (low, high):
            draw.line((middle - 5, end, middle + 5, end), ACCENT_DARK, 2)
    dashes = 44
    for dash in range(0, dashes, 2):
        start, end = dash / dashes * _SIDE, (dash + 1) / dashes * _SIDE
        draw.line((left + start, bottom - start, left + end, bottom - end), FAINT_INK, 2)
    draw.rectangle((left, top, left + _SIDE, bottom), outline=FAINT_INK)
    _text(draw, f"images (most: {most})", left + 4, counts_top - 15, align=0.0)
    _text(draw, "accuracy", left + 6, top + 4, align=0.0)
    _text(draw, "confidence", left + _SIDE / 2, counts_bottom + 32, align=0.5)


def _text(draw: ImageDraw.ImageDraw, text: str, x: float, y: float, *, align: float) -> None:
    """Small text that starts at x (align 0), is centred on it (0.5) or ends there (1)."""
    draw.text((x - align * width_of(text, CAPTION), y), text, FAINT_INK, font(CAPTION))
