"""The public pages of a policy, its permanent addresses, and the API's description."""

from datetime import UTC, datetime

from consent_server.db import db, transaction
from consent_server.policies import approving
from consent_server.sites.models import Site
from tests import make
from tests.conftest import SetClock
from tests.console.conftest import Console, text_of


def test_a_version_is_shown_in_either_language_with_its_purposes(visitor: Console, shop: Site) -> None:
    english = visitor.get(f"/p/{shop.key}/privacy/1.0?lang=en")
    chinese = visitor.get(f"/p/{shop.key}/privacy/1.0?lang=zh-CN")

    assert '<article class="text" lang="en">' in english.text
    assert "What we collect" in english.text
    assert "Only with your consent" in english.text
    assert '<html lang="zh-CN">' in chinese.text
    assert "我们收集什么" in chinese.text
    assert "仅在您同意后开启" in chinese.text
    assert "统计的用途。" in chinese.text
    assert "public" in english.headers["Cache-Control"]
    assert "Set-Cookie" not in english.headers


def test_without_a_language_the_browser_says_it(visitor: Console, shop: Site) -> None:
    answer = visitor.get(f"/p/{shop.key}/privacy/1.0", headers={"Accept-Language": "zh-TW,en;q=0.5"})

    assert '<article class="text" lang="zh-CN">' in answer.text
    assert answer.headers["Vary"] == "Accept-Language"


def test_an_old_version_stays_and_names_the_newer_one(visitor: Console, shop: Site) -> None:
    before = visitor.get(f"/p/{shop.key}/privacy/1.0?lang=en").text.partition("<article")[2]
    make.purposes(shop, "video")
    make.published_version(
        shop, change=[make.change("retention", summary={"en": "Kept longer.", "zh-CN": "保存更久。"})]
    )

    after = visitor.get(f"/p/{shop.key}/privacy/1.0?lang=en").text
    history = text_of(visitor.get(f"/p/{shop.key}/privacy?lang=zh-CN"))

    assert after.partition("<article")[2] == before
    assert "There is a newer version." in after
    assert "保存更久。" in history
    assert history.index("版本 2.0") < history.index("版本 1.0")


def test_a_version_with_a_notice_period_is_announced_until_it_is_there(
    visitor: Console, shop: Site, set_clock: SetClock
) -> None:
    now = make.later(1)
    set_clock(now)
    told = make.change("retention", summary={"en": "Kept longer.", "zh-CN": "保存更久。"})
    draft = make.draft(shop, changes=[told], now=now)
    pages = [f"/p/{shop.key}/privacy/1.0", f"/p/{shop.key}/privacy"]

    def scheduled(days: int) -> list[str]:
        at = datetime(2026, 4, 30, 16, 30, tzinfo=UTC)  # half past midnight on the next day in Shanghai
        with transaction():
            approving.schedule(
                draft, publish_at=at, zone="Asia/Shanghai", notice_days=days, now=now, actor=make.STAFF
            )
        return said()

    def said() -> list[str]:
        found = [text_of(visitor.get(f"{page}?lang={tag}")) for page in pages for tag in make.LANGUAGES]
        db.session.rollback()
        return found

    def withdrawn() -> None:
        with transaction():
            approving.withdraw(draft, now=now, actor=make.STAFF)

    assert not any("2.0" in each for each in scheduled(0))
    withdrawn()
    english, chinese, history, _ = scheduled(30)
    for each in (english, history):
        assert "Version 2.0 takes effect on May 1, 2026." in each
        assert "Kept longer." in each
    assert "版本 2.0 将于2026年5月1日生效。" in chinese
    assert "保存更久。" in chinese
    assert draft.notices[0].sha256.hex() not in english
    make.purposes(shop, "video")  # what was approved is another now
    assert not any("2.0" in each for each in said())
    withdrawn()
    assert not any("2.0" in each for each in said())


def test_scripts_in_a_text_do_not_reach_the_page(visitor: Console, shop: Site) -> None:
    hostile = "# P\n\n## A\n\n<script>x()</script> <img src=x onerror=x()> [go](javascript:x())\n"
    texts = {"en": hostile, "zh-CN": hostile}
    make.published_version(shop, change="purpose_changed", texts=texts)

    page = visitor.get(f"/p/{shop.key}/privacy/1.1?lang=en").text

    assert "<script" not in page
    assert "onerror" not in page
    assert 'href="javascript:' not in page


def test_what_is_not_published_is_not_found(visitor: Console, shop: Site) -> None:
    for address in (
        f"/p/{shop.key}/privacy/9.0",
        f"/p/{shop.key}/none",
        "/p/none/privacy/1.0",
        f"/p/{shop.key}/privacy/x",
    ):
        answer = visitor.get(address)
        assert answer.status_code == 404
        assert "console" not in text_of(answer)

    assert "没有" in visitor.get(f"/p/{shop.key}/privacy/9.0?lang=zh-CN").text


def test_the_apis_page_has_every_call_with_an_example(visitor: Console) -> None:
    page = visitor.get("/docs").text
    spec = visitor.get("/openapi.json").get_json()

    for path, item in spec["paths"].items():
        assert path in page, path
        for method in item.keys() & {"get", "post"}:
            assert item[method]["summary"] in text_of(visitor.get("/docs"))
    assert page.count("curl ") == sum(
        len(item.keys() & {"get", "post", "put", "patch", "delete"}) for item in spec["paths"].values()
    )
    assert "<script" not in page
