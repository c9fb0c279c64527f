"""Image bytes by id. The file's place comes from the database row, never from the request."""

from __future__ import annotations

from starlette.responses import Response

from app.api.plain import Call
from app.db.queries import images
from app.errors import NotFound
from app.services import thumbnails


def image_bytes(call: Call) -> Response:
    """The image in full size, or with `?side=` a copy whose longer side has at most that many pixels.

    An address that carries the start of the content's hash (`?v=`) may be kept for ever; any other must be asked
    about again, because ids start anew in a new data directory.
    """
    side = call.query_integer("side", among=thumbnails.SIDES, default=0)
    image_id = call.path_id("image_id")
    with call.runtime.database.reading() as uow:
        image = images.one(uow.session, image_id)
    if call.caller is None or not call.caller.sees(image.project_id):
        raise NotFound(f"There is no image {image_id}.")
    version = call.request.query_params.get("v", "")
    is_versioned = len(version) >= 8 and image.sha256.startswith(version)
    headers = {
        "ETag": f'"{image.sha256[:32]}-{side}"',
        "Cache-Control": f"private, {'max-age=31536000, immutable' if is_versioned else 'no-cache'}",
        # Opened on its own, an image is a document: it may then do nothing at all.
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if headers["ETag"] in call.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    storage = call.runtime.storage
    content, media_type = (
        thumbnails.get(storage, image.sha256, image.suffix, side)
        if side
        else thumbnails.display_bytes(storage, image.sha256, image.suffix)
    )
    return Response(content, media_type=media_type, headers=headers)
