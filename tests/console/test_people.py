"""The people of a site: roles are given and taken away by its owners."""

import re

from flask import Flask

from consent_server.accounts import members
from consent_server.accounts.models import Account
from consent_server.db import db
from tests import make
from tests.console.conftest import Console, audited, text_of


def test_an_owner_gives_and_takes_away_a_role(console: Console) -> None:
    site, mei = make.site(), make.account("mei@example.org", role=None)
    people = f"/console/sites/{site.key}/people"

    given = console.send(people, {"email": "Mei@example.org", "role": "author"})
    listed = text_of(console.get(people))
    (membership,) = members.memberships_of(mei.id, site.id)
    taken = console.send(f"{people}/{membership.id}/revoke", page=people)

    assert given.status_code == taken.status_code == 303
    assert "mei@example.org Author This site" in listed
    assert members.memberships_of(mei.id, site.id) == []
    assert audited("accounts.revoke_role") == 1


def test_a_role_needs_an_account_and_a_name_that_there_is(console: Console) -> None:
    people = f"/console/sites/{make.site().key}/people"

    unknown = console.send(people, {"email": "no@example.org", "role": "author"})
    strange = console.send(people, {"email": "lin@example.org", "role": "king"})

    assert unknown.status_code == strange.status_code == 422
    assert "There is no account with this address." in unknown.text
    assert "Choose one." in strange.text


def test_who_owns_one_site_gives_no_roles_at_all_sites(app: Flask) -> None:
    site = make.site()
    everywhere = members.memberships_of(make.account("mei@example.org", role="auditor").id)[0].id
    client = app.test_client()
    make.signed_in(client, make.account(role="owner", of=site))
    people, console = f"/console/sites/{site.key}/people", Console(client)

    given = console.send(people, {"email": "mei@example.org", "role": "owner", "where": "all"})
    taken = console.send(f"{people}/{everywhere}/revoke", page=people)

    assert given.status_code == taken.status_code == 403
    assert 'name="where"' not in console.get(people).text


def test_the_last_owner_of_all_sites_stays(console: Console) -> None:
    people = f"/console/sites/{make.site().key}/people"
    action = console.get(people).text.split(f'action="{people}/')[1].split("/revoke")[0]

    refused = console.send(f"{people}/{action}/revoke", page=people)

    assert refused.status_code == 409
    assert "Make another person the owner of all sites first." in refused.text


def test_an_owner_of_all_sites_shuts_somebody_out_and_lets_them_in_again(
    app: Flask, console: Console, second: Console
) -> None:
    site = make.site()
    mei = make.account_of(second.client)
    people = f"/console/sites/{site.key}/people"
    disable, enable = (f"{people}/accounts/{mei.id}/{verb}" for verb in ("disable", "enable"))

    asked = text_of(console.get(disable))
    assert second.get("/console").status_code == 200  # to ask does nothing yet
    out = console.send(disable)
    listed = console.get(people)
    assert second.get("/console").status_code == 302
    back = console.send(enable)

    assert out.location == back.location == people
    assert "Disable the account of mei@example.org?" in asked
    assert "mei@example.org Disabled" in text_of(listed)
    assert re.findall(r"/accounts/(\d+)/(enable|disable)\"", listed.text) == [
        (str(make.account_of(console.client).id), "disable"),
        (str(mei.id), "enable"),
    ]
    assert db.session.get_one(Account, mei.id).disabled_at is None
    assert [each.role for each in members.memberships_of(mei.id)] == ["owner"]
    assert audited("accounts.disable") == audited("accounts.enable") == 1


def test_the_last_owner_of_all_sites_is_not_shut_out(console: Console) -> None:
    people = f"/console/sites/{make.site().key}/people"

    refused = console.send(f"{people}/accounts/{make.account_of(console.client).id}/disable")

    assert refused.status_code == 409
    assert "Make another person the owner of all sites first." in refused.text
    assert console.get("/console").status_code == 200


def test_who_owns_one_site_shuts_nobody_out_and_strangers_to_the_site_are_not_found(
    app: Flask, console: Console
) -> None:
    site, other = make.site(), make.site(name="Other")
    mei = make.account("mei@example.org", role="author", of=site)
    client = app.test_client()
    make.signed_in(client, make.account("ola@example.org", of=site))
    ola = Console(client)
    people = f"/console/sites/{site.key}/people"

    for verb in ("disable", "enable"):
        path = f"/accounts/{mei.id}/{verb}"
        assert ola.get(people + path).status_code == 403
        assert ola.send(people + path, page=people).status_code == 403
        assert console.get(f"/console/sites/{other.key}/people{path}").status_code == 404
    assert "/accounts/" not in ola.get(people).text
