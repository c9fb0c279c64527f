"""Image bytes by id. The file's place comes from the database row, never from the request."""

from __future__ import annotations

from starlette.responses import Response

from app.api.http import Call, Malformed
from app.db.queries import images
from app.services import thumbnails


def image_bytes(call: Call) -> Response:
    """The image in full size, or with `?side=` a copy whose longer side has at most that many pixels.

    An address that carries the start of the content's hash (`?v=`) may be kept for ever; any other must be asked
    about again, because ids start anew in a new data directory.
    """
    side = call.query_integer("side", low=1, high=max(thumbnails.SIDES), default=0)
    if side and side not in thumbnails.SIDES:
        raise Malformed("side", f"one of {', '.join(map(str, thumbnails.SIDES))}", side)
    with call.runtime.database.reading() as uow:
        image = images.one(uow.session, call.path_id("image_id"))
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
