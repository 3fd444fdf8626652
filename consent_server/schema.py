"""What all schemas share: strict types, and errors as problems."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from consent_server.problems import InvalidInput


class StrictBoolean(fields.Boolean):
    """Only `true` and `false`. The library's own takes "on", "yes" and 1, which must not become a consent."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if value is True or value is False:
            return bool(value)
        raise self.make_error("invalid", input=value)


def load(schema: Schema, data: Any) -> Any:
    """Return the checked data; unknown fields are refused.

    Raises:
        InvalidInput: `errors` names each field and what is wrong with it.
    """
    if not isinstance(data, dict):
        raise InvalidInput("The body must be a JSON object.", errors={"_schema": ["not an object"]})
    try:
        return schema.load(data, unknown=RAISE)
    except ValidationError as error:
        messages = dict(error.normalized_messages())  # type: ignore[no-untyped-call]  # the library's gap
        raise InvalidInput("See `errors` for each field.", errors=messages) from error
