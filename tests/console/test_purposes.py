"""Purposes, services and cookies in the console."""

from consent_server.purposes.service import freeze
from consent_server.sites.models import Site
from tests.console.conftest import Console, audited, text_of

FORM = {
    "p.key": "video",
    "p.function": "additional",
    "p.legal_basis": "consent",
    "p.consent_kind": "separate",
    "p.texts.en.name": "Video",
    "p.texts.en.description": "Plays films.",
    "p.texts.zh-CN.name": "视频",
    "p.texts.zh-CN.description": "播放影片。",
    "p.services.0.key": "films",
    "p.services.0.name": "Films",
    "p.services.0.provider": "Films Ltd",
    "p.services.0.privacy_url": "",
    "p.services.0.texts.en.description": "Streams.",
    "p.services.0.cookies.0.name": "fl_*",
    "p.services.0.cookies.0.store": "cookie",
    "p.services.0.cookies.0.party": "third",
    "p.services.0.cookies.0.lifetime": "P13M",
    "p.services.0.cookies.0.texts.zh-CN.description": "记住进度。",
}


def path(shop: Site, rest: str = "") -> str:
    return f"/console/sites/{shop.key}/purposes{rest}"


def test_a_purpose_is_added_with_services_and_cookies(console: Console, shop: Site) -> None:
    answer = console.send(path(shop, "/new"), {**FORM, "do": "save"})

    assert answer.status_code == 303
    added = freeze(shop)[-1]
    assert added["key"] == "video"
    assert added["services"][0]["cookies"][0] == {
        "name": "fl_*",
        "pattern": True,
        "store": "cookie",
        "party": "third",
        "lifetime": "P13M",
        "texts": {"zh-CN": {"description": "记住进度。"}},
    }
    assert "next published version" in console.get(path(shop)).text
    assert audited("purposes.replace") == 2  # once by the factory


def test_adding_a_row_keeps_what_was_written_and_stores_nothing(console: Console, shop: Site) -> None:
    answer = console.send(path(shop, "/new"), {**FORM, "p.key": "Not a key", "do": "add-cookie:0"})

    assert answer.status_code == 200
    assert 'name="p.services.0.cookies.1.name"' in answer.text
    assert 'value="Not a key"' in answer.text
    assert len(freeze(shop)) == 3


def test_removing_rows_keeps_the_others(console: Console, shop: Site) -> None:
    answer = console.send(path(shop, "/new"), {**FORM, "do": "remove-cookie:0:0"})

    assert 'name="p.services.0.name"' in answer.text
    assert "fl_*" not in answer.text


def test_what_is_wrong_is_said_at_its_field(console: Console, shop: Site) -> None:
    wrong = {
        **FORM,
        "p.key": "Video!",
        "p.services.0.cookies.0.lifetime": "long",
        "p.legal_basis": "contract",
        "do": "save",
    }

    answer = console.send(path(shop, "/new"), wrong)

    assert answer.status_code == 422
    assert 'id="f-p.key-error"' in answer.text
    assert 'id="f-p.services.0.cookies.0.lifetime-error"' in answer.text
    assert 'value="Video!"' in answer.text


def test_a_form_that_lacks_its_parts_is_answered_with_all_fields(console: Console, shop: Site) -> None:
    answer = console.send(path(shop, "/new"), {"p.key": "Not a key", "do": "save"})

    assert answer.status_code == 422
    assert 'name="p.texts.zh-CN.name"' in answer.text
    assert 'value="Not a key"' in answer.text


def test_a_second_tab_does_not_overwrite_the_first(console: Console, shop: Site) -> None:
    seen = console.value(path(shop, "/maps"), "seen")
    form = {**FORM, "p.key": "maps", "seen": seen, "do": "save"}
    console.send(path(shop, "/maps"), {**form, "p.texts.en.name": "First"})

    answer = console.send(path(shop, "/maps"), {**form, "p.texts.en.name": "Second"})

    assert answer.status_code == 409
    assert 'value="Second"' in answer.text
    assert "First" in text_of(console.get(path(shop)))


def test_a_key_cannot_be_used_twice(console: Console, shop: Site) -> None:
    answer = console.send(path(shop, "/new"), {**FORM, "p.key": "maps", "do": "save"})

    assert answer.status_code == 422
    assert len(freeze(shop)) == 3


def test_purposes_move_and_go(console: Console, shop: Site) -> None:
    console.send(path(shop, "/maps/move"), page=path(shop))
    assert [each["key"] for each in freeze(shop)] == ["essential", "maps", "analytics"]

    console.send(path(shop, "/maps/remove"))
    assert [each["key"] for each in freeze(shop)] == ["essential", "analytics"]
    assert console.get(path(shop, "/maps")).status_code == 404


def test_fields_that_contradict_each_other_are_refused(console: Console, shop: Site) -> None:
    answer = console.send(path(shop, "/new"), {"p.texts": "x", "p.texts.en.name": "y", "do": "save"})

    assert answer.status_code == 422
