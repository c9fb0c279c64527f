"""Addresses of images: bytes come over our own route, by id, never by path."""

from __future__ import annotations

from app.db.models import Image


def image_url(image_id: int, sha256: str, side: int | None = None) -> str:
    """Address of an image, or of its thumbnail with the given longer side in pixels.

    The hash makes the address change with the content, so that browsers may keep what they have for ever.
    """
    size = f"&side={side}" if side is not None else ""
    return f"/img/{image_id}?v={sha256[:16]}{size}"


def url_of(image: Image, side: int | None = None) -> str:
    """Address of an image row."""
    return image_url(image.id, image.sha256, side)
