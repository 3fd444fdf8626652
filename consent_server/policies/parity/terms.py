"""Defined words: where each language defines them, and whether both use them in the same places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from consent_server.policies.parity.words import lexicon

_OPEN, _CLOSE = '“"„«「『', '”"“»」』'
_QUOTED = rf"[{_OPEN}]\s*(?P<t>[^{_OPEN}{_CLOSE}]{{1,60}}?)\s*[{_CLOSE}]"
_ANY = re.compile(_QUOTED)
# Atomic and bounded: a page full of quotation marks must not be read in every way there is.
_RUN = rf"(?>(?:[{_OPEN}][^{_OPEN}{_CLOSE}]{{1,60}}[{_CLOSE}][\s,，、]*+(?:(?:and|or|和|或|及)\s*+)?){{1,8}})"
_ENGLISH = (
    re.compile(
        rf"(?P<run>{_RUN})(?:\([^)]*\)\s*)?(?:shall\s+)?(?:means?|refers?\s+to|denotes?|includes?|has\s+the\s+meaning)\b"
    ),
    re.compile(rf"^\W*(?:an?\s+|the\s+)?(?:term\s+)?(?P<run>{_RUN})(?:is|are)\b", re.IGNORECASE),
    re.compile(
        rf"\(\s*(?:collectively|together|hereinafter|hereafter|the|each|referred to as|in this policy|,|\s|an?){{0,12}}\s*(?P<run>{_RUN})[^()]{{0,30}}\)",
        re.IGNORECASE,
    ),
)
_CHINESE = (
    re.compile(
        rf"(?P<run>{_RUN})[(（]?[^“”（）()，,]{{0,12}}[)）]?[，,]?\s*(?:均|都)?(?:是指|系指|指的是|意指|指|包括)"
    ),
    re.compile(rf"(?:简称|统称|合称|下称|称)(?:为|作)?\s*(?P<run>{_RUN})"),
    re.compile(r"^(?P<bare>[^，。,：:；\s“”]{2,20}?)(?:是指|系指)"),
)
_OTHER = (re.compile(rf"^\W{{0,3}}(?P<run>{_RUN})"),)
_BY_LANGUAGE = {"en": _ENGLISH, "zh": _CHINESE}
_PRONOUNS = frozenset(
    ["we", "us", "our", "you", "your", "it", "this", "they", "我们", "您", "你", "我司", "本公司", "贵方"]
)


@lru_cache(maxsize=8192)
def definitions(text: str, language: str) -> tuple[str, ...]:
    """Return the words that a piece of text defines, as written.

    Words for the parties ("we", "us") are left out, and so are the names that stand beside them.
    """
    if not any(mark in text for mark in f"{_OPEN}指"):
        return ()
    found: dict[str, None] = {}
    for pattern in _BY_LANGUAGE.get(lexicon(language).base, _OTHER):
        for match in pattern.finditer(text):
            groups = match.groupdict()
            terms = [groups["bare"]] if groups.get("bare") else _ANY.findall(groups.get("run") or "")
            named = [term.strip(" ,，.") for term in terms]
            if not any(term.lower() in _PRONOUNS for term in named):
                found |= dict.fromkeys(filter(None, named))
    return tuple(found)


@lru_cache(maxsize=1024)
def usage(term: str, *, cjk: bool) -> re.Pattern[str]:
    """Return the pattern of a term as the text may use it: any case, singular or plural."""
    if cjk:
        return re.compile(re.escape(term), re.IGNORECASE)
    words = [re.escape(word) for word in term.split()]
    if words:
        words[-1] = _either_number(words[-1])
    joined = r"[\s-]+".join(words)
    return re.compile(rf"(?<!\w){joined}(?!\w)", re.IGNORECASE)


def _either_number(word: str) -> str:
    if word.lower().endswith("ies"):
        return f"{word[:-3]}(?:y|ies)"
    if word.lower() in {"child", "children"}:
        return "child(?:ren)?"
    if word.lower().endswith("y") and len(word) > 3:
        return f"{word[:-1]}(?:y|ies)"
    stem = word[:-1] if word.lower().endswith("s") and not word.lower().endswith("ss") else word
    return f"{stem}(?:s|es)?"


@dataclass(frozen=True, slots=True)
class Concept:
    """A word of privacy texts that has a settled translation."""

    name: str
    english: re.Pattern[str]
    chinese: re.Pattern[str]

    def pattern(self, base: str) -> re.Pattern[str] | None:
        """Return its pattern in a language, if it is known there."""
        return {"en": self.english, "zh": self.chinese}.get(base)


def _concepts(rows: Sequence[tuple[str, str]]) -> tuple[Concept, ...]:
    return tuple(
        Concept(en.split("|")[0], re.compile(rf"(?:{en})", re.IGNORECASE), re.compile(f"(?:{zh})"))
        for en, zh in rows
    )


CONCEPTS = _concepts(
    (
        ("sensitive personal (?:data|information)", "敏感个人(?:信息|数据)|个人敏感(?:信息|数据)"),
        ("personal (?:data|information)", "个人(?:信息|数据|资料)"),
        ("cookies?", "(?i:cookies?)"),
        ("anonymi[sz](?:ation|ed)", "匿名化"),
        ("pseudonymi[sz](?:ation|ed)|de-identif\\w+", "假名化|去标识化"),
        ("child(?:ren)?", "儿童"),
        ("minors?", "未成年人"),
        ("affiliates?", "关联公司|附属公司|关联方"),
        ("(?:business )?partners?", "合作方|合作伙伴|合作机构"),
        ("service providers?", "服务(?:提供)?商|服务提供者"),
        ("separate consent", "单独同意"),
        ("consent", "同意"),
        ("purposes?", "目的"),
        ("users?", "用户"),
        ("visitors?", "访客|访问者"),
        ("accounts?", "账户|账号|帐户|帐号"),
        ("devices?", "设备|终端"),
        ("automated decision(?:-making|s)?", "自动化决策"),
        ("third part(?:y|ies)", "第三方"),
        ("sdks?", "(?i:sdks?)"),
    )
)


def concept_of(term: str, language: str) -> Concept | None:
    """Return the concept that a term stands for, or None if it is not a settled one."""
    base = lexicon(language).base
    for concept in CONCEPTS:
        pattern = concept.pattern(base)
        if pattern is not None and pattern.fullmatch(term):
            return concept
    return None


def quoted(text: str) -> Iterator[str]:
    """Yield what stands in quotation marks."""
    for match in _ANY.finditer(text):
        yield match["t"]
