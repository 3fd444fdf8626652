"""A receipt as one page of PDF, set by typst: no system library, tagged for screen readers, texts never as markup."""

from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson

from consent_server.consents.export.evidence import Evidence
from consent_server.consents.export.words import Words, words
from consent_server.problems import Problem

TEMPLATE = Path(__file__).with_name("receipt.typ")
LATIN = ("Noto Sans", "DejaVu Sans", "Liberation Sans", "Libertinus Serif")  # the last is built in
CJK = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Noto Serif CJK SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Microsoft YaHei",
)
FIRST_CJK, LAST_CJK = "\u2e80", "\U0003ffff"
BUTTONS = ("accept", "reject", "preferences")


class PdfNotInstalled(Problem):
    slug, status = "pdf-not-installed", HTTPStatus.NOT_IMPLEMENTED
    title = "This server cannot make PDFs"


class FontMissing(Problem):
    slug, status = "pdf-font-missing", HTTPStatus.NOT_IMPLEMENTED
    title = "This server has no font for the receipt's language"


def render(found: Evidence, *, language: str) -> bytes:
    """Return the page in the language nearest to `language`; what was shown stays in the language of the receipt.

    Raises:
        PdfNotInstalled: the package's extra `pdf` is not there.
        FontMissing: there is Chinese to set and no font for it: boxes would be no evidence.
    """
    chosen, texts = words(language)
    data = _data(found, texts)
    text = orjson.dumps(data).decode()
    try:
        import typst  # an extra: servers that make no PDFs need not have it
    except ImportError as error:
        raise PdfNotInstalled("Install it with `pip install 'consent-server[pdf]'`.") from error
    fonts = _fonts(needs_cjk=any(FIRST_CJK <= each <= LAST_CJK for each in text))
    data |= {"lang": chosen.split("-")[0], "fonts": fonts}
    made: bytes = typst.compile(
        TEMPLATE.read_bytes(),
        sys_inputs={"data": orjson.dumps(data).decode()},
        pdf_standards="ua-1",
        timestamp=int(found.issued_at.timestamp()),
    )
    return made


def _data(found: Evidence, w: Words) -> dict[str, Any]:
    claims, shown = found.claims, found.shown
    file = f"receipt-{found.receipt_id}"
    return {
        "words": w,
        "receipt_id": found.receipt_id,
        "site": found.site.name,
        "facts": [
            [w["site"], f"{found.site.name} ({found.site.key})", False],
            [w["receipt_id"], found.receipt_id, True],
            [w["visitor_id"], claims["visitor_id"], True],
            [w["issued_at"], claims["issued_at"], True],
            [w["expires_at"], claims["expires_at"], True],
            [w["action"], w.get(claims["action"], claims["action"]), False],
        ],
        "banner": {
            "title": shown.texts.get("title", ""),
            "body": shown.texts.get("body", ""),
            "buttons": [shown.texts[each] for each in BUTTONS if each in shown.texts],
        },
        "notice": [
            [w["policy"], _noticed(found, w), False],
            [w["text_sha256"], claims["text_sha256"], True],
            [w["policy_sha256"], claims["policy_sha256"], True],
            [w["banner_build"], claims["banner_build"], True],
        ],
        "checked": w["genuine"] if shown.genuine else w["not_genuine"],
        "purposes": _purposes(found, w),
        "steps": [
            [w["step_place"].format(index=found.idx), found.log],
            [w["step_key"], found.kid],
            [w["step_offline"], f"python verifier.py --keys keys.json {file}.jws {file}.tlog-proof"],
            [w["step_page"], f"{found.address}/verify"],
            [w["step_notice"], ""],
        ],
        "notice_url": found.notice_url,
    }


def _noticed(found: Evidence, w: Words) -> str:
    number, language = found.claims["policy_version"], found.claims["language"]
    return w["noticed"].format(title=found.shown.title, number=number, language=language)


def _purposes(found: Evidence, w: Words) -> list[dict[str, str]]:
    known = [
        {"name": each["name"], "description": each["description"], "choice": w[each["choice"] or "basic"]}
        for each in found.shown.purposes
    ]
    return known or [
        {"name": key, "description": "", "choice": w[choice]}
        for key, choice in found.claims["choices"].items()
    ]


def _fonts(*, needs_cjk: bool) -> list[str]:
    installed = _families()
    latin = [each for each in LATIN if each in installed][:1]
    chinese = [each for each in CJK if each in installed][:1]
    if needs_cjk and not chinese:
        raise FontMissing("Install the package fonts-noto-cjk (or another font of Chinese) on the server.")
    return latin + chinese


@lru_cache(maxsize=1)
def _families() -> frozenset[str]:
    """Return the font families that typst finds. Looked up once: a new font needs a restart."""
    import typst

    return frozenset(typst.Fonts(include_system_fonts=True).families())
