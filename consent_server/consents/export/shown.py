"""What a receipt's visitor saw: banner and notice from what was stored then, each hash computed anew and compared."""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from consent_server.banner.builds import build_hash
from consent_server.banner.configuration import phrase
from consent_server.banner.models import BannerBuild, WidgetBundle
from consent_server.db import db
from consent_server.policies.models import Notice, Policy, PolicyVersion
from consent_server.policies.text import parse, text_sha256


@dataclass(frozen=True)
class Hash:
    """What the receipt names, and what the stored bytes hash to now; `actual` is None where nothing is stored."""

    expected: str
    actual: str | None

    @property
    def same(self) -> bool:
        """Whether the stored bytes are those that the receipt names."""
        return self.expected == self.actual

    def to_json(self) -> dict[str, Any]:
        """Return the answer's members."""
        return {"expected": self.expected, "actual": self.actual, "same": self.same}


@dataclass(frozen=True)
class Shown:
    """Everything that was on the screen. What is no longer stored is empty, and its hash is not the same."""

    language: str
    banner: Hash
    texts: dict[str, str]
    names: dict[str, str]
    direction: str
    policy: Hash
    purposes: list[dict[str, Any]]
    notice: Hash
    title: str
    notice_source: str
    notice_html: str

    @property
    def genuine(self) -> bool:
        """Whether all of it is what the receipt names."""
        return self.banner.same and self.policy.same and self.notice.same

    def to_json(self) -> dict[str, Any]:
        """Return the answer's members."""
        return {
            "genuine": self.genuine,
            "language": self.language,
            "banner": self.banner.to_json()
            | {"texts": self.texts, "purposes": self.names, "dir": self.direction},
            "policy": self.policy.to_json() | {"purposes": self.purposes},
            "notice": self.notice.to_json()
            | {"title": self.title, "source": self.notice_source, "html": self.notice_html},
        }


def shown(site_id: int, claims: dict[str, Any]) -> Shown:
    """Return what the visitor saw who made the decision of these claims."""
    language = str(claims["language"])
    banner, pack = _banner(site_id, claims)
    version = _version(site_id, claims)
    policy = Hash(claims["policy_sha256"], _sha256(version.snapshot) if version else None)
    frozen = orjson.loads(version.snapshot or "{}").get("purposes", []) if version else []
    notice = _notice(version, language)
    document = parse(notice.source, language=language, format=notice.format) if notice else None  # type: ignore[arg-type]  # the table allows these two only
    names = {key: str(text) for key, text in pack.get("names", {}).items()}
    return Shown(
        language=language,
        banner=banner,
        texts=_filled(pack.get("texts", {}), names, language),
        names=names,
        direction=pack.get("dir", "ltr"),
        policy=policy,
        purposes=[_purpose(each, language, claims) for each in frozen],
        notice=Hash(claims["text_sha256"], text_sha256(document) if document else None),
        title=document.title if document else "",
        notice_source=document.text if document else "",
        notice_html=document.html if document else "",
    )


def _banner(site_id: int, claims: dict[str, Any]) -> tuple[Hash, dict[str, Any]]:
    expected = str(claims["banner_build"])
    build = db.session.get(BannerBuild, (site_id, bytes.fromhex(expected)))
    bundle = db.session.get(WidgetBundle, build.bundle) if build else None
    if build is None or bundle is None:
        return Hash(expected, None), {}
    pack = orjson.loads(build.configuration)["languages"].get(claims["language"], {})
    return Hash(expected, build_hash(bundle.body.encode(), build.configuration)), pack


def _version(site_id: int, claims: dict[str, Any]) -> PolicyVersion | None:
    major, _, minor = str(claims["policy_version"]).partition(".")
    return db.session.scalar(
        select(PolicyVersion)
        .join(Policy)
        .where(
            Policy.site_id == site_id,
            Policy.key == claims["policy"],
            PolicyVersion.major == int(major),
            PolicyVersion.minor == int(minor),
        )
    )


def _notice(version: PolicyVersion | None, language: str) -> Notice | None:
    if version is None:
        return None
    return db.session.scalar(
        select(Notice).where(Notice.version_id == version.id, Notice.language == language)
    )


def _purpose(frozen: dict[str, Any], language: str, claims: dict[str, Any]) -> dict[str, Any]:
    texts: dict[str, str] = frozen["texts"].get(language) or next(iter(frozen["texts"].values()), {})
    return {
        "key": frozen["key"],
        "function": frozen["function"],
        "name": texts.get("name", frozen["key"]),
        "description": texts.get("description", ""),
        "choice": claims["choices"].get(frozen["key"]),
        "asked": frozen["key"] in claims["asked"],
        "consent_kind": frozen["consent_kind"],
        "legal_basis": frozen["legal_basis"],
        "services": frozen["services"],
    }


def _filled(texts: dict[str, str], names: dict[str, str], language: str) -> dict[str, str]:
    """Return the banner's words with the purposes' names in their place, joined as the banner joined them."""
    joined = phrase(language, list(names.values()))
    return {key: str(words).replace("{purposes}", joined) for key, words in texts.items()}


def _sha256(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()
