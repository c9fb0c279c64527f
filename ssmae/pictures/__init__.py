"""Pictures of an evaluation, drawn with Pillow alone: sheets of images with captions, and reliability diagrams."""

from ssmae.pictures.reliability import Panel, reliability_diagram
from ssmae.pictures.sheet import Group, sheet

__all__ = ["Group", "Panel", "reliability_diagram", "sheet"]
