"""Image bytes by id. The file's place comes from the database row, never from the request."""

from __future__ import annotations

from starlette.responses import FileResponse, Response

from app.api.http import Call
from app.db.queries import images
from app.storage import image_key

_LARGEST_SIDE = 4096
_MEDIA_TYPES = {
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}


def image_bytes(call: Call) -> Response:
    """The original file, or with `?side=` a copy whose longer side has at most that many pixels.

    An address that carries the start of the content's hash (`?v=`) may be kept for ever; any other must be asked
    about again, because ids start anew in a new data directory.
    """
    side = call.query_integer("side", low=1, high=_LARGEST_SIDE, default=0)
    with call.runtime.database.reading() as uow:
        image = images.one(uow.session, call.path_id("image_id"))
    version = call.request.query_params.get("v", "")
    is_versioned = len(version) >= 8 and image.sha256.startswith(version)
    headers = {
        "ETag": f'"{image.sha256[:32]}-{side}"',
        "Cache-Control": f"private, {'max-age=31536000, immutable' if is_versioned else 'no-cache'}",
    }
    if headers["ETag"] in call.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if side:
        from app.services import thumbnails  # noqa: PLC0415

        content, media_type = thumbnails.get(call.runtime.storage, image.sha256, image.suffix, side)
        return Response(content, media_type=media_type, headers=headers)
    path = call.runtime.storage.existing(image_key(image.sha256, image.suffix))
    media_type = _MEDIA_TYPES.get(image.suffix.lower(), "application/octet-stream")
    return FileResponse(path, media_type=media_type, headers=headers)
