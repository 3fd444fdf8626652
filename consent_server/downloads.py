"""Files that are made for one person and handed out once: in memory while they are small, never kept by a cache."""

import tempfile
from collections.abc import Iterator

from flask import Response, request

PART = 65_536  # bytes
File = tempfile.SpooledTemporaryFile[bytes]


def open_file(*, in_memory: int) -> File:
    """Return a new file for `download`, which lies on the disk once it holds more bytes than these."""
    return tempfile.SpooledTemporaryFile(max_size=in_memory)


def download(file: File, *, name: str, content_type: str) -> Response:
    """Return the file as an answer, which reads it from its start and closes it."""
    if request.method == "HEAD":
        file.close()  # nobody will run through what is not sent
    parts = iter(()) if file.closed else _parts(file)
    response = Response(parts, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _parts(file: File) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while part := file.read(PART):
            yield part
