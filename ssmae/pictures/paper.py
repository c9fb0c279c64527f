"""What all pictures share: a light background, its inks, and text that fits."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

PAPER, INK, FAINT_INK, LINE = "#ffffff", "#1f2430", "#626a78", "#d9dde3"
ACCENT, ACCENT_DARK = "#8fb3e8", "#1d4f9c"
MARGIN = 28
TITLE, NOTE, CAPTION = 26, 17, 16
"""Sizes of text in pixels."""


def page(width: int, height: int, title: str, note: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty picture with its title and a line that says how to read it."""
    image = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN, MARGIN), fitted(title, width - 2 * MARGIN, TITLE), INK, font(TITLE))
    for row, line in enumerate(wrapped(note, width - 2 * MARGIN)):
        draw.text((MARGIN, MARGIN + 38 + 23 * row), line, FAINT_INK, font(NOTE))
    return image, draw


def heading_height(note: str, width: int) -> int:
    """Where the content of a page begins, in pixels from its top."""
    return MARGIN + 38 + 23 * len(wrapped(note, width - 2 * MARGIN)) + 14


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that a picture is the same on every machine."""
    return ImageFont.load_default(size)


def width_of(text: str, size: int) -> float:
    """Width of a line of text in pixels."""
    return font(size).getlength(text)


def fitted(text: str, width: float, size: int) -> str:
    """The text, cut with an ellipsis where it is too long."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def wrapped(text: str, width: float) -> list[str]:
    """A note as lines that fit."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], longer] if width_of(longer, NOTE) <= width else [*lines, word]
    return lines
