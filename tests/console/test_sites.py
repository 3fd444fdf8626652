"""Sites: list, create, change, keys and secrets."""

import re

from flask.testing import FlaskClient

from consent_server.banner import pins, tally
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, audited, text_of

NEW = {
    "name": "Lamp shop",
    "origins": "https://lamps.example\nhttps://www.lamps.example",
    "languages": "zh-CN\nen",
    "region_profile": "opt_in",
    "consent_days": "90",
}

KEY = {"name": "shop backend", "scopes": ["reconsent:read", "consents:read"], "days": "90"}


def test_without_a_site_the_list_says_what_to_do(console: Console) -> None:
    assert "No site yet" in console.get("/console").text


def test_a_new_site_has_its_tag_to_copy(console: Console) -> None:
    answer = console.send("/console/sites/new", NEW)

    page = console.get(answer.location).text
    assert answer.status_code == 303
    assert re.search(r"&lt;script src=&#34;http://localhost/w/s_\w+\.js&#34;&gt;", page)
    assert "https://www.lamps.example" in page
    assert "First steps" in page
    assert audited("sites.create") == 1


def test_a_form_that_is_wrong_keeps_what_was_written_and_says_what_is_wrong(console: Console) -> None:
    wrong = NEW | {"origins": "https://lamps.example/path", "consent_days": "many", "name": "<b>Lamps"}

    answer = console.send("/console/sites/new", wrong)

    assert answer.status_code == 422
    assert 'value="&lt;b&gt;Lamps"' in answer.text
    assert "https://lamps.example/path" in answer.text
    assert 'id="f-origins-error"' in answer.text
    assert 'aria-describedby="f-origins-hint f-origins-error"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "Write a whole number" in answer.text
    assert audited("sites.create") == 0


def test_settings_are_changed(console: Console, shop: Site) -> None:
    path = f"/console/sites/{shop.key}/settings"

    form = NEW | {"name": "Renamed", "languages": "en\nzh-CN", "origins": "https://shop.example"}

    answer = console.send(path, form)

    assert answer.status_code == 303
    assert 'value="Renamed"' in console.get(path).text
    assert audited("sites.update") == 1


def test_an_api_key_is_shown_once_and_ends_when_it_is_revoked(console: Console, shop: Site) -> None:
    path = f"/console/sites/{shop.key}/keys"

    shown = console.send(path, KEY)
    token = re.search(r"csk_[\w-]+", shown.text)
    assert token
    assert token[0] not in console.get(path).text

    call = {"headers": {"Authorization": f"Bearer {token[0]}"}}
    assert console.client.get(f"/v1/sites/{shop.key}/reconsent", **call).status_code == 200
    revoke = re.search(rf"{path}/\d+/revoke", console.get(path).text)
    assert revoke
    assert "shop backend" in text_of(console.get(revoke[0]))
    console.send(revoke[0])

    assert console.client.get(f"/v1/sites/{shop.key}/reconsent", **call).status_code == 401
    assert audited("sites.issue_api_key") == audited("sites.revoke_api_key") == 1


def test_a_key_says_what_it_is_for_and_how_long(console: Console, shop: Site) -> None:
    path = f"/console/sites/{shop.key}/keys"

    refused = console.send(path, {"name": "till", "days": "7"})
    console.send(path, KEY)

    said = text_of(console.get(path))
    assert refused.status_code == 422
    assert 'value="till"' in refused.text
    assert "Choose at least one." in refused.text
    assert "Choose one." in refused.text
    assert "Read consents Read who must be asked again" in said
    assert audited("sites.issue_api_key") == 1


def test_another_sites_key_cannot_be_revoked_here(console: Console, shop: Site) -> None:
    assert console.get(f"/console/sites/{shop.key}/keys/999/revoke").status_code == 404


def test_looking_at_the_identity_secret_is_noted(console: Console, shop: Site) -> None:
    path = f"/console/sites/{shop.key}/keys"

    shown = console.send(f"{path}/identity", page=path)
    secret = re.search(r'id="identity-secret"[^>]*><code[^>]*>([\w-]{43})<', shown.text)
    console.send(f"{path}/identity/rotate")
    after = console.send(f"{path}/identity", page=path)

    assert secret
    assert secret[1] not in after.text
    assert audited("sites.reveal_identity_secret") == 2
    assert audited("sites.rotate_identity_secret") == 1


def test_the_audit_log_names_who_did_what(console: Console, shop: Site) -> None:
    console.send(f"/console/sites/{shop.key}/keys", KEY)

    for path in (f"/console/sites/{shop.key}/audit", "/console/audit"):
        page = text_of(console.get(path))
        assert "Issued an API key" in page
        assert "lin@example.org" in page


def test_a_site_with_a_banner_shows_the_pinned_tag_and_where_the_tag_was_seen(
    console: Console, client: FlaskClient
) -> None:
    site = make.ready_site()
    counts = tally.tally_of(client.application)
    counts.forget()
    before = console.get(f"/console/sites/{site.key}")

    served = client.get(f"/w/{site.key}.js", headers={"Referer": f"{make.ORIGIN}/"}).data
    counts.store(now=make.NOW)
    after = console.get(f"/console/sites/{site.key}")

    assert "Seen on pages" not in text_of(before)
    assert pins.element(served, site_key=site.key, api="http://localhost") in text_of(after)
    assert f"Seen on pages {make.ORIGIN}" in text_of(after)
