"""Laws and standards: recognised by their names in either language, and brought to one short name."""

import re
from functools import lru_cache

# Short name, English names, Chinese names (without 《》 and without the country before them).
_LAWS = (
    ("PIPL", "Personal Information Protection Law", "个人信息保护法"),
    ("DSL", "Data Security Law", "数据安全法"),
    ("CSL", "Cybersecurity Law|Cyber Security Law", "网络安全法"),
    ("Civil Code", "Civil Code", "民法典"),
    ("E-commerce Law", "E-?commerce Law|Electronic Commerce Law", "电子商务法"),
    ("Consumer Protection Law", "(?:Consumer|Protection of Consumer) Rights[\\w ]* Law", "消费者权益保护法"),
    (
        "Minors Protection Law",
        "(?:Protection of Minors Law|Law on the Protection of Minors)",
        "未成年人保护法",
    ),
    ("GDPR", "GDPR|General Data Protection Regulation", "通用数据保护条例|一般数据保护条例"),
    ("UK GDPR", "UK GDPR", "英国通用数据保护条例"),
    ("CCPA", "CCPA|California Consumer Privacy Act", "加州消费者隐私法案?|加利福尼亚州?消费者隐私法案?"),
    ("CPRA", "CPRA|California Privacy Rights Act", "加州隐私权法案?"),
    ("LGPD", "LGPD", "巴西通用数据保护法"),
    ("EAR", "EAR|Export Administration Regulations", "出口管理条例"),
    ("COPPA", "COPPA|Children's Online Privacy Protection Act", "儿童在线隐私保护法案?"),
    ("HIPAA", "HIPAA", "健康保险携带和责任法案?"),
)
_STANDARD = re.compile(
    r"ISO(?:/IEC)?\s?\d{4,5}(?:-\d{1,2})?(?::\d{4})?|GB(?:/T)?\s?\d{3,6}(?:\.\d+)?(?:[-–—]\d{4})?"
    r"|(?:Regulation|Directive)?\s?\((?:EU|EC)\)\s?(?:No\.?\s?)?\d{2,4}/\d{2,4}|\b(?:19|20)\d\d/\d{1,4}/(?:EU|EC)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=2)
def _named(*, cjk: bool) -> re.Pattern[str]:
    names = (
        rf"(?P<l{at}>{zh if cjk else en}{'|' + short if cjk else ''})"
        for at, (short, en, zh) in sorted(enumerate(_LAWS), key=lambda law: -len(law[1][0]))
    )
    edge = "" if cjk else r"\b"
    return re.compile(f"{edge}(?:{'|'.join(names)}){edge}")


def laws(text: str, *, cjk: bool) -> list[tuple[int, int, str]]:
    """Return (start, end, short name) of each law and standard that is named in `text`."""
    found = []
    for match in _named(cjk=cjk).finditer(text):
        at = int((match.lastgroup or "l0")[1:])
        found.append((*match.span(), _LAWS[at][0]))
    found += [(*m.span(), _standard(m.group())) for m in _STANDARD.finditer(text)]
    return sorted(found)


def _standard(name: str) -> str:
    return re.sub(r"\s+|^(?:Regulation|Directive)|No\.?", "", re.sub("[–—]", "-", name), flags=re.I).upper()
