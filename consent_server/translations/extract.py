"""Collects messages for translation: marked ones, and what problems and change types say to people.

Babel finds calls like `_("…")` by itself. Titles and details of problems are plain text in the code, since the API
sends them as they are; the console translates them when it shows them, so they belong into the catalog too.

    pybabel extract -F consent_server/translations/babel.cfg -k N_ -k lazy_gettext -o messages.pot consent_server
    pybabel update -i messages.pot -d consent_server/translations -l zh_Hans_CN --no-fuzzy-matching
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from babel.messages.extract import extract_python

Found = tuple[int, Any, Any, Any]  # line, function, message or messages, comments
# Files whose problems reach people on a page; those of the rest only programs see.
SHOWN = (
    "pages.py",
    "/console/publish.py",
    "/console/campaigns.py",
    "campaigns/service.py",
    "campaigns/unsubscribe.py",
    "screens.py",
    "problems.py",
    "http.py",
    "accounts/service.py",
    "accounts/factors.py",
    "accounts/identities.py",
    "accounts/invitations.py",
    "accounts/oidc.py",
    "oidc_pages.py",
    "accounts/passkeys.py",
    "accounts/throttle.py",
    "accounts/step_up.py",
    "accounts/members.py",
    "sites/access.py",
    "sites/service.py",
    "policies/changes.py",
    "policies/drafting.py",
    "policies/approving.py",
    "policies/comments.py",
    "console/drafts.py",
    "policies/publishing.py",
    "policies/api.py",
)
REASONS = {"Proposal": 1}  # call and position of its text


def messages(
    file: IO[bytes], keywords: Mapping[str, Any], comments: Collection[str], options: Any
) -> Iterator[Found]:
    """Yield what Babel finds in a Python file, then the texts of its problems and proposals."""
    yield from extract_python(file, keywords, comments, options)
    file.seek(0)
    if getattr(file, "name", "").endswith(SHOWN):
        for node in ast.walk(ast.parse(file.read())):
            for text in _texts(node):
                yield node.lineno, None, text, []  # type: ignore[attr-defined]  # every node that has a text has a line


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ClassDef):
        yield from (
            text
            for line in node.body
            if isinstance(line, ast.Assign)
            and any(getattr(name, "id", "") == "title" for name in line.targets)
            if (text := _literal(line.value))
        )
    elif isinstance(node, ast.Call):
        name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
        at = REASONS.get(name, 0 if _is_problem(name) else None)
        if at is not None and len(node.args) > at and (text := _literal(node.args[at])):
            yield text


def _is_problem(name: str) -> bool:
    endings = (
        "Input",
        "Found",
        "Taken",
        "Exists",
        "Changed",
        "Immutable",
        "Used",
        "Credentials",
        "InUse",
        "Expired",
        "Code",
        "Refused",
        "Delayed",
        "Failed",
        "NotInvited",
    )
    others = (
        "UnknownPolicy",
        "UnknownSite",
        "UnknownVersionPage",
        "UnknownReceipt",
        "TooManyRequests",
        "Unavailable",
    )
    return name.endswith((*endings, "InternalError", "NotReady", "HistoryOutOfOrder")) or name in others


def _literal(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
