"""How text is kept from becoming a formula when a spreadsheet opens our CSV.

A cell that begins like a formula gets an apostrophe in front, which spreadsheets take as "this is text"; a cell that
begins with an apostrophe gets one too, so that taking one off always gives back what was there.
"""

from __future__ import annotations

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


def guarded(cell: str) -> str:
    """The text as it is written."""
    return "'" + cell if cell.startswith(_DANGEROUS) else cell


def unguarded(cell: str) -> str:
    """The text as it was."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_DANGEROUS) else cell
