"""Places where a contact or a link should stand and nothing does.

Texts extracted from web pages lose their links and obfuscated addresses: "write to us at: ." tells
a reader nothing, and the law asks for a contact. The patterns are deliberately narrow; each match
is shown to a person, and changes nothing.
"""

import re

_END = r"(?=\s*(?:$|[,.;，。；、)）]))"
_EN_LABEL = r"(?:e-?mail(?:\s+address)?|tel(?:ephone)?|phone(?:\s+number)?|fax|website|web\s?site|postal address|address|link|url)"
_ZH_LABEL = "(?:电子邮箱|电子邮件|邮箱|邮件|电话|热线|传真|网址|地址|链接)"

_PATTERNS = [
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        # "email address: ." / "电话：，"
        rf"\b{_EN_LABEL}\.?\s*[:：]{_END}",
        rf"{_ZH_LABEL}\s*[:：]{_END}",
        # "send an e-mail to at any time", "an email to, and", "contact us at or at"
        rf"\b(?:e-?mails?|letters?|messages?|write|contact us|reach us|call us)\s+(?:to|at|on|via)(?:{_END}|(?=\s+(?:at any time|or|and)\b))",
        # "check the website" and "maintenance on" with the line simply ending there
        r"\b(?:check|visit|see|on|at|via)\s+(?:the|our|this)\s+(?:web\s?site|page|link)(?=\s*$)",
        r"(?<=\w )(?:at|on|via|to)(?=\s*$)",
        # "发送电子邮件至，" / "发送邮件至或"
        rf"(?:发送|发)(?:电子)?(?:邮件|信函|短信)(?:至|到|给)(?:{_END}|(?=\s*[或与和]))",
        # "电子邮箱，电话": a label with the next label right behind it
        rf"{_ZH_LABEL}\s*[,，、](?=\s*{_ZH_LABEL}\s*[:：])",
        # "查看 网站": the gap that a link left
        r"(?:查看|访问|参见|参阅|登录|点击)[ \u3000]+(?:网站|网页|页面|链接)",
    )
]


def empty_slots(text: str) -> list[str]:
    """Return the pieces of `text` after which a contact or link is missing, in reading order."""
    hits = sorted({match.span() for pattern in _PATTERNS for match in pattern.finditer(text)})
    found: list[str] = []
    end = 0
    for start, stop in hits:
        if start >= end:
            found.append((_with_words_before(text, start) + text[start:stop]).strip())
            end = stop
    return found


def _with_words_before(text: str, at: int) -> str:
    """Return what of the same clause stands before `at`: at most 30 characters, whole words."""
    before = re.split(r"[.,;:，。；：\n]", text[max(0, at - 30) : at])[-1]
    return before if len(before) < 30 else re.sub(r"^[^\W_]*[A-Za-z0-9]\s", "", before)
