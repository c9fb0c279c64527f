"""`python -m worker --queue train`: one worker process. People start it as `ssmae worker`."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence

from celery.platforms import SecurityWarning

from app import settings as settings_module
from app.cli import lifeline
from app.errors import AppError
from app.queue import WorkQueue
from app.services.runtime import open_runtime
from worker import celery_app
from worker.host import Host, unique_name


def main(arguments: Sequence[str]) -> int:
    """Serve one queue until told to end."""
    parser = argparse.ArgumentParser(prog="python -m worker")
    parser.add_argument("--queue", type=WorkQueue, required=True)
    parser.add_argument("--gpus", default=None)
    parser.add_argument("--supervised", action="store_true", help="end when standard input does")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("worker").setLevel(logging.INFO)
    # Celery warns root of messages that carry code; ours are JSON with one number.
    warnings.simplefilter("ignore", SecurityWarning)
    if chosen.supervised:
        lifeline.hold()
    try:
        runtime = open_runtime(settings_module.load())
    except AppError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    host = Host(runtime=runtime, name=unique_name(chosen.queue), queue=chosen.queue, gpus=chosen.gpus)
    return celery_app.serve(host)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
