"""What an API key may be used for. A key holds some of these scopes; every endpoint of the site's server names one. Pure."""

from collections.abc import Iterable

SCOPES = ("decisions:write", "consents:read", "receipts:read", "reconsent:read", "addresses:write")


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    """Return those that are no scopes, in alphabetical order."""
    return sorted(set(scopes) - set(SCOPES))


def in_order(scopes: Iterable[str]) -> list[str]:
    """Return the scopes in the order of the table, each once."""
    chosen = set(scopes)
    return [scope for scope in SCOPES if scope in chosen]
