"""What short ways past the framework have in common: each answers what is certain, and hands on all else untouched."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]  # status, headers with the length of the body, body
Environ = dict[str, Any]  # of a request, as WSGI names its parts (PEP 3333)
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

_STATUS = {code.value: f"{code.value} {code.phrase}" for code in HTTPStatus}


class Layer:
    """A short way as WSGI middleware: `answer` gives None for what it hands on."""

    def __init__(self, answer: Callable[[Environ], Answer | None], inner: Wsgi) -> None:
        self._answer, self._inner = answer, inner

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = self._answer(environ)
        if answer is None:
            return self._inner(environ, start_response)
        status, headers, body = answer
        start_response(_STATUS[status], headers)
        return [body]
