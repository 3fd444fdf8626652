"""Which of a site's languages fits a visitor. Pure."""

from collections.abc import Collection, Iterable


def in_order(languages: Iterable[str], there: Collection[str]) -> list[str]:
    """Return the languages that there are: the site's own in its order, then those that it offers no longer."""
    own = [each for each in languages if each in there]
    return own + sorted(set(there) - set(own))


def choose_language(wanted: str | None, languages: tuple[str, ...]) -> str:
    """Return the site's language that fits a wanted tag best, else its default.

    An exact match wins, then the same primary language: `zh-Hans` and `zh-TW` find `zh-CN`.
    """
    tag = (wanted or "").strip().replace("_", "-").lower()
    exact = {language.lower(): language for language in languages}
    if tag in exact:
        return exact[tag]
    primary = tag.split("-")[0]
    return next(
        (each for each in languages if primary and each.lower().split("-")[0] == primary), languages[0]
    )
