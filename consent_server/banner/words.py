"""The interface texts that ship with the widget, by language: widget/locales/*.json."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import orjson

from consent_server.assets import PROJECT

INSTALLED = Path(__file__).parent / "locales"  # where the wheel has them


@cache
def locales() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return `{language: {"first": {…}, "preferences": {…}}}`."""
    folder = INSTALLED if INSTALLED.is_dir() else PROJECT / "widget" / "locales"
    return {path.stem: orjson.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))}
