"""Language tags as file names spell them, and as BCP 47 writes them."""

import re

from babel import localedata

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?", re.IGNORECASE
)


def language_tag(name: str) -> str | None:
    """Return `name` as a BCP 47 tag (`zh_cn` → `zh-CN`), or None if it names no known language."""
    match = _TAG.fullmatch(name.strip().replace("_", "-"))
    if match is None or not localedata.exists(match["language"].lower()):
        return None
    script, region = match["script"], match["region"]
    subtags = [match["language"].lower(), script and script.title(), region and region.upper()]
    return "-".join(subtag for subtag in subtags if subtag)
