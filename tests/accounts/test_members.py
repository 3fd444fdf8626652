"""Roles: given, taken away, at one site or at all."""

import pytest
from flask import Flask
from sqlalchemy import select

from consent_server.accounts import members
from consent_server.accounts.models import Membership
from consent_server.accounts.roles import Role
from consent_server.audit.models import AuditEvent
from consent_server.db import db, transaction
from consent_server.problems import InvalidInput
from tests import make


def roles(account_id: int, site_id: int | None = None) -> set[str]:
    return {each.role for each in members.memberships_of(account_id, site_id)}


def test_a_role_everywhere_counts_at_every_site_and_one_at_a_site_there_only(app: Flask) -> None:
    shop, blog = make.site(name="Shop"), make.site(name="Blog")
    mei = make.account(role="auditor")
    with transaction():
        members.grant(mei, role="author", site_id=shop.id, now=make.NOW, actor="command")

    assert roles(mei.id, shop.id) == {"auditor", "author"}
    assert roles(mei.id, blog.id) == roles(mei.id) == {"auditor"}
    assert members.site_ids_of(mei.id) is None


def test_the_same_role_twice_is_one_role(app: Flask) -> None:
    shop, mei = make.site(), make.account(role=None)
    for site_id in (None, shop.id):
        for _ in range(2):
            with transaction():
                members.grant(mei, role="author", site_id=site_id, now=make.NOW, actor="command")

    assert len(db.session.scalars(select(Membership)).all()) == 2
    actions = db.session.scalars(select(AuditEvent.action)).all()
    assert actions.count("accounts.grant_role") == 2


def test_there_is_no_other_role(app: Flask) -> None:
    with pytest.raises(InvalidInput):
        members.grant(make.account(), role="king", site_id=None, now=make.NOW, actor="command")


def test_somebody_remains_who_owns_all_sites(app: Flask) -> None:
    lin, mei = make.account(), make.account("mei@example.org")
    (of_lin,), (of_mei,) = members.memberships_of(lin.id), members.memberships_of(mei.id)
    with transaction():
        members.revoke(of_lin, now=make.NOW, actor="command")

    with pytest.raises(members.LastOwner), transaction():
        members.revoke(of_mei, now=make.NOW, actor="command")

    assert roles(lin.id) == set()
    assert roles(mei.id) == {"owner"}


def test_a_disabled_account_has_no_part_in_decisions(app: Flask) -> None:
    shop = make.site()
    lin, mei = make.account(role="approver"), make.account("mei@example.org", role="approver", of=shop)
    with transaction():
        db.session.merge(lin).disabled_at = make.NOW

    assert [each.id for each in members.with_role(shop.id, Role.APPROVER)] == [mei.id]
