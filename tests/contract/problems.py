"""What every error of the API looks like."""

from typing import Any

from werkzeug.test import TestResponse


def problem(response: TestResponse, status: int, slug: str) -> dict[str, Any]:
    """Check that an answer is this problem (RFC 9457), tells nothing of the inside, and return its members."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    data: dict[str, Any] = response.get_json()
    assert data["type"] == f"urn:consent-server:problem:{slug}"
    assert data["status"] == status
    assert data["title"]
    for secret in ("Traceback", "sqlalchemy", "psycopg", "sqlite3", ".py"):
        assert secret not in response.text
    return data
