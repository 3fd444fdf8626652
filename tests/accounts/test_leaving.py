"""Somebody who leaves opens nothing any more, and nobody is locked out by it."""

from datetime import timedelta

import pytest
from flask import Flask

from consent_server.accounts import leaving, members, service
from consent_server.db import transaction
from tests import make

IDLE = timedelta(hours=1)


def test_a_disabled_account_is_out_at_once_and_comes_back_with_its_roles(app: Flask) -> None:
    make.account()
    mei = make.account("mei@example.org", role="approver")
    with transaction():
        session = service.start_session(mei, now=make.NOW)
        link = service.make_sign_in_link(mei, now=make.NOW, actor="command")

    with transaction():
        leaving.disable(mei, now=make.NOW, actor="account:1")

    assert service.session_of(session, now=make.NOW, idle=IDLE) is None
    with pytest.raises(service.LinkUsed), transaction():
        service.use_sign_in_link(link, now=make.NOW)
    with pytest.raises(service.WrongCredentials):
        service.check_password("mei@example.org", "correct horse battery")
    with transaction():
        leaving.enable(mei, now=make.NOW, actor="account:1")
    assert service.check_password("mei@example.org", "correct horse battery") is mei
    assert service.session_of(session, now=make.NOW, idle=IDLE) is None
    assert [each.role for each in members.memberships_of(mei.id)] == ["approver"]


def test_the_last_owner_of_all_sites_stays(app: Flask) -> None:
    lin, mei = make.account(), make.account("mei@example.org")
    with transaction():
        leaving.disable(mei, now=make.NOW, actor="account:1")

    with pytest.raises(members.LastOwner), transaction():
        leaving.disable(lin, now=make.NOW, actor="account:1")

    assert lin.disabled_at is None
