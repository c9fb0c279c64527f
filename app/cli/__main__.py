"""`python -m app.cli`: the same as `ssmae`, for children that must use this very interpreter."""

from __future__ import annotations

from app.cli import main

if __name__ == "__main__":
    main(prog_name="ssmae")
