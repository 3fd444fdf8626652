"""The words from which a type of change is proposed, by language: what is said of whom and what in a privacy policy."""

from __future__ import annotations

import re
from functools import lru_cache

from consent_server.policies.changes import ChangeType

_T = ChangeType

# English is matched as whole words, any case; Chinese as it stands.
CUES: dict[ChangeType, dict[str, str]] = {
    _T.IMPACT_ASSESSMENT: {
        "en": r"impact assessments?|high risks?",
        "zh": "影响评估|高风险",
    },
    _T.CROSS_BORDER: {
        "en": r"abroad|cross-border|overseas|outside (?:of )?(?:the )?(?:country|china|eu|eea|european|united)\w*|another country|other countries|third countr(?:y|ies)",
        "zh": "境外|跨境|出境|国外|海外|其他国家|第三国",
    },
    _T.SENSITIVE_DATA: {
        "en": r"sensitive|biometric\w*|facial|face recognition|fingerprints?|health|medical|religio\w+|beliefs?|genetic|financial accounts?|bank accounts?|precise location|whereabouts|under (?:the age of )?(?:14|fourteen)|age of \w+",
        "zh": "敏感|生物识别|人脸|指纹|健康(?:信息|数据|状况|生理)|医疗|宗教|信仰|基因|金融账户|银行账户|行踪|精确位置|十四周岁|14周岁|周岁",
    },
    _T.OWNERSHIP: {
        "en": r"merg(?:er|ed|es)|acqui(?:red|sition|res)|takeover|bankrupt\w*|dissol\w+|shareholders?|ownership|successors?|reorgani[sz]\w+|operated by|operator|controller",
        "zh": "合并|收购|并购|分立|破产|解散|股东|所有权|承继|重组|运营者|运营方|由其运营|控制者",
    },
    _T.RECIPIENTS: {
        "en": r"shar(?:e|es|ed|ing)|disclos\w+|recipients?|third[\s-]part(?:y|ies)|affiliates?|partners?|vendors?|(?:service )?providers?|processors?|receives?|handed? (?:on|over)|sells?|advertisers?",
        "zh": "共享|分享|披露|接收方|第三方|关联公司|附属公司|合作方|合作伙伴|服务商|提供商|受托|委托|转让|出售|广告主|收到",
    },
    _T.LEGAL_BASIS: {
        "en": r"legal basis|lawful basis|legitimate interests?|legal obligations?|performance of (?:a|the) contract|without (?:your )?consent|public interest",
        "zh": "法律依据|合法性基础|正当利益|合法利益|法定义务|法定职责|履行合同|无需(?:征得)?(?:您的)?同意|公共利益",
    },
    _T.RETENTION: {
        "en": r"retain\w*|retention|kept for|keep (?:it|them|data|your)|stor(?:ed|age) (?:for|period)|kept|expir\w+|lifetime",
        "zh": "保存期限|存储期限|保留期|留存|保存至|保存(?=\\s?(?:\\d|[一二两三四五六七八九十]))|保留|有效期|期限|到期",
    },
    _T.RIGHTS: {
        "en": r"rights?|withdr\w+|opt(?:ing)?[\s-]out|unsubscrib\w+|access (?:to )?your|cop(?:y|ies) of|correct\w*|rectif\w+|delet\w+|eras\w+|portab\w+|object to|restrict\w*|close your account|requests?",
        "zh": "权利|撤回|撤销|退订|选择退出|查阅|副本|复制|更正|删除|转移|拒绝|限制处理|注销|请求",
    },
    _T.CONTACT: {
        "en": r"contact(?: us)?|e-?mail us|write to|officer|department|complaints?|complain|hotline|postal address|reach us",
        "zh": "联系我们|联系方式|联络|负责人|部门|投诉|热线|邮寄地址|致函|发送邮件",
    },
    _T.COOKIE_ADDED: {
        "en": r"cookies?|beacons?|pixels?|local storage",
        "zh": "(?i:cookies?)|信标|像素|本地存储",
    },
    _T.DATA_TYPE: {
        "en": r"collect\w*|(?:your )?(?:name|gender|nationality|date of birth|birthday|photo\w*|portrait|id (?:card|number)|passport|location|position|contacts list|address book|device (?:information|identifiers?)|ip address(?:es)?|browsing history|phone number|telephone number|mailing address|bank card|voice|video)",
        "zh": "收集|采集|姓名|性别|国籍|出生日期|生日|照片|头像|身份证|护照|位置|通讯录|设备信息|设备标识|IP ?地址|浏览记录|手机号码?|电话号码|收货地址|银行卡|录音|录像",
    },
    _T.PURPOSE_CHANGED: {
        "en": r"purposes?|in order to|so that we|use (?:it|your|this|them) (?:to|for)|used (?:to|for)|to improve|recommend\w*|personali[sz]\w+|advertis\w+|marketing|analytics|profil\w+|train\w*|automated decision\w*|newsletters?|research|stud(?:y|ies)",
        "zh": "目的|用于|以便|用来|改进|推荐|个性化|广告|营销|统计|分析|画像|训练|自动化决策|资讯|研究",
    },
}


@lru_cache(maxsize=64)
def cue(kind: ChangeType, base: str) -> re.Pattern[str]:
    """Return the pattern of the words that speak for a type; for a language without words one that finds nothing."""
    words = CUES[kind].get(base)
    if words is None:
        return re.compile(r"(?!)")
    return re.compile(rf"\b(?:{words})\b" if base == "en" else words, re.IGNORECASE)


def speaks_for(text: str, kind: ChangeType, base: str) -> bool:
    """Return whether `text` has a word that speaks for a type of change."""
    return kind in CUES and cue(kind, base).search(text) is not None
