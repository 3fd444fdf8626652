"""Errors as RFC 9457 problems: one class per thing that a caller can do something about.

JSON callers get `application/problem+json`; a console page re-renders its form or shows an error page with the
same title and detail. `docs/api.md` lists every slug; a test compares.
"""

from http import HTTPStatus
from typing import Any, ClassVar


class Problem(Exception):
    """Base of all problems. `detail` says what to do; `extra` become members of the JSON object."""

    slug: ClassVar[str] = "problem"
    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    title: ClassVar[str] = "The request cannot be served"

    def __init__(self, detail: str = "", *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extra = extra
        self.headers = headers or {}

    def to_json(self) -> dict[str, Any]:
        """Return the members of the problem object (RFC 9457, section 3)."""
        body: dict[str, Any] = {
            "type": f"urn:consent-server:problem:{self.slug}",
            "title": self.title,
            "status": int(self.status),
        }
        if self.detail:
            body["detail"] = self.detail
        return body | self.extra


class InvalidInput(Problem):
    """`errors` maps each field to its messages."""

    slug, status = "invalid-input", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Some fields are missing or wrong"


class MalformedBody(Problem):
    slug, status = "malformed-body", HTTPStatus.BAD_REQUEST
    title = "The body is not valid JSON in UTF-8"


class BodyTooLarge(Problem):
    slug, status = "body-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The body is larger than this server accepts"


class UnsupportedMedia(Problem):
    slug, status = "unsupported-media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = "The body must be JSON, sent as text/plain or application/json"


class NotSignedIn(Problem):
    slug, status = "not-signed-in", HTTPStatus.UNAUTHORIZED
    title = "This call needs a valid API key"


class Forbidden(Problem):
    slug, status = "forbidden", HTTPStatus.FORBIDDEN
    title = "You may not do this"


class NotFound(Problem):
    slug, status = "not-found", HTTPStatus.NOT_FOUND
    title = "There is nothing under this address"


class TooManyRequests(Problem):
    slug, status = "too-many-requests", HTTPStatus.TOO_MANY_REQUESTS
    title = "Too many requests from this address"


class Unavailable(Problem):
    """The database cannot be reached, is locked or has no room: nothing was stored, try again."""

    slug, status = "unavailable", HTTPStatus.SERVICE_UNAVAILABLE
    title = "The server cannot store or read anything just now"


class InternalError(Problem):
    slug, status = "internal-error", HTTPStatus.INTERNAL_SERVER_ERROR
    title = "The server made a mistake; it has been logged"
