"""The people of a site: roles are given and taken away by its owners."""

from flask import Flask

from consent_server.accounts import members
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
