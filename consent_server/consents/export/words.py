"""The words of the PDF, in its two languages."""

from typing import Final

Words = dict[str, str]

WORDS: Final[dict[str, Words]] = {
    "en": {
        "title": "Consent receipt",
        "lead": "This page states one decision about personal data. The signed receipt is the evidence; this page "
        "puts it into words.",
        "site": "Site",
        "receipt_id": "Receipt",
        "visitor_id": "Browser (pseudonym)",
        "issued_at": "Stored at",
        "expires_at": "Counts until",
        "action": "Action",
        "shown": "What was shown",
        "policy": "Notice",
        "noticed": "{title}, version {number} ({language})",
        "text_sha256": "Hash of the text",
        "banner_build": "Hash of the banner",
        "policy_sha256": "Hash of the version",
        "genuine": "The texts stored on the server were hashed anew for this page: they are those that were shown.",
        "not_genuine": "WARNING: texts stored on the server are missing or do not have the hashes that the receipt "
        "names.",
        "chosen": "What was chosen",
        "purpose": "Purpose",
        "description": "What for",
        "choice": "Choice",
        "granted": "allowed",
        "denied": "refused",
        "basic": "needed",
        "verify": "How to verify it",
        "step_place": "The receipt is entry {index} of this public log, which nobody can change unnoticed:",
        "step_key": "It was signed with the Ed25519 key of this id, published under /.well-known/jwks.json:",
        "step_offline": "Take the signed receipt and its proof and check them without this server, offline, with the "
        "verifier that comes with consent-server:",
        "step_page": "Or drop the signed receipt on this page:",
        "step_notice": "The notice stays readable under this address:",
        "accept_all": "accepted all",
        "reject_all": "rejected all",
        "custom": "chose one by one",
        "withdraw": "withdrew",
        "expire": "expired",
        "gpc": "signal of the browser (Global Privacy Control)",
        "dnt": "signal of the browser (Do Not Track)",
    },
    "zh-CN": {
        "title": "同意凭证",
        "lead": "本页陈述一次有关个人信息的决定。经签名的凭证是证据，本页只是其文字说明。",
        "site": "网站",
        "receipt_id": "凭证编号",
        "visitor_id": "浏览器（假名标识）",
        "issued_at": "存储时间",
        "expires_at": "有效期至",
        "action": "操作",
        "shown": "当时展示的内容",
        "policy": "告知文本",
        "noticed": "{title}，{number} 版（{language}）",
        "text_sha256": "文本哈希",
        "banner_build": "横幅哈希",
        "policy_sha256": "版本哈希",
        "genuine": "为生成本页，服务器重新计算了所存文本的哈希，与当时展示的内容一致。",
        "not_genuine": "警告：服务器所存文本缺失，或其哈希与凭证所载不符。",
        "chosen": "所作选择",
        "purpose": "目的",
        "description": "用途说明",
        "choice": "选择",
        "granted": "同意",
        "denied": "拒绝",
        "basic": "必要",
        "verify": "如何验证",
        "step_place": "该凭证是以下公开日志的第 {index} 条记录，任何人都无法悄然改动：",
        "step_key": "签名所用 Ed25519 密钥的标识如下，公钥公布于 /.well-known/jwks.json：",
        "step_offline": "取得经签名的凭证及其证明后，可用 consent-server 附带的验证程序离线核验，无需信任本服务器：",
        "step_page": "也可将经签名的凭证拖放到此页面：",
        "step_notice": "告知文本长期可在以下地址阅读：",
        "accept_all": "全部接受",
        "reject_all": "全部拒绝",
        "custom": "逐项选择",
        "withdraw": "撤回",
        "expire": "到期",
        "gpc": "浏览器信号（全球隐私控制）",
        "dnt": "浏览器信号（请勿跟踪）",
    },
}


def words(language: str) -> tuple[str, Words]:
    """Return the language of the page that serves a reader of `language`, and its words."""
    chosen = "zh-CN" if language.lower().split("-")[0] == "zh" else "en"
    return chosen, WORDS[chosen]
