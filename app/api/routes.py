"""Which address is which function. Every address of ours is in this table."""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import Route

from app.api import downloads, health, images, queues
from app.api.http import endpoint
from app.services.runtime import Runtime


def routes(runtime: Callable[[], Runtime]) -> list[Route]:
    """All routes, over the runtime that `runtime` gives when the first request comes."""
    table = [
        ("GET", "/healthz", health.health),
        ("GET", "/img/{image_id:int}", images.image_bytes),
        ("GET", "/api/projects/{project_id:int}/queue/{queue}", queues.next_images),
        ("GET", "/api/projects/{project_id:int}/export/labels", downloads.labels),
        ("GET", "/api/rounds/{round_id:int}/files/{name}", downloads.round_file),
        ("POST", "/api/annotations", queues.save),
        ("POST", "/api/undo", queues.undo),
    ]
    return [Route(path, endpoint(runtime, handler), methods=[method]) for method, path, handler in table]
