"""An import in a process of its own: a broken file that takes the decoder down takes nothing else along."""

from __future__ import annotations

from app import settings as settings_module
from app.errors import Conflict
from app.services import importing
from app.services.runtime import open_runtime
from worker.child import Line


def main(line: Line, import_id: int) -> None:
    """Run an import, or what is left of it; the row and its report say how it went."""
    runtime = open_runtime(settings_module.load())
    try:
        importing.run(runtime.database, runtime.storage, import_id, should_stop=line.should_stop)
    except Conflict:  # another worker was quicker
        return
