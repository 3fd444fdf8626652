"""Passkeys (Web Authentication): register one, and check what an authenticator signed.

The caller keeps the challenge between the two halves of a ceremony, and uses it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import orjson
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from consent_server.accounts import factors
from consent_server.accounts.models import Account, Passkey
from consent_server.accounts.service import actor_of
from consent_server.audit import service as audit
from consent_server.db import db, violated
from consent_server.problems import InvalidInput, NotFound, Problem

NAME = "Consent Server"


class PasskeyRefused(Problem):
    slug, status = "passkey-refused", HTTPStatus.UNAUTHORIZED
    title = "This passkey does not open this account"


@dataclass(frozen=True)
class Party:
    """This server as authenticators know it: the domain that a passkey is bound to, and the origin of its pages."""

    domain: str
    origin: str


def passkeys_of(account: Account) -> Sequence[Passkey]:
    """Return the account's passkeys, the oldest first."""
    return db.session.scalars(
        select(Passkey).where(Passkey.account_id == account.id).order_by(Passkey.id)
    ).all()


def registration_options(account: Account, *, party: Party, challenge: bytes) -> str:
    """Return what a browser needs to make a passkey, as JSON."""
    options = generate_registration_options(
        rp_id=party.domain,
        rp_name=NAME,
        user_name=account.email,
        user_display_name=account.name,
        user_id=str(account.id).encode(),
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(account),
    )
    return str(options_to_json(options))


def register(
    account: Account, answer: str, *, name: str, party: Party, challenge: bytes, now: datetime, actor: str
) -> Passkey:
    """Keep the passkey that a browser made.

    Raises:
        InvalidInput: what came is not the answer to this challenge on this server, or the passkey is known.
    """
    try:
        checked = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.domain,
            expected_origin=party.origin,
        )
    except (WebAuthnException, ValueError) as error:
        raise InvalidInput("The browser's answer does not fit. Try again.", errors={}) from error
    key = Passkey(
        account_id=account.id,
        credential_id=checked.credential_id,
        public_key=checked.credential_public_key,
        sign_count=checked.sign_count,
        name=name.strip()[:60],
        created_at=now,
    )
    db.session.add(key)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "passkey", "credential_id"):
            raise InvalidInput("This passkey is known already.", errors={}) from error
        raise
    audit.record("accounts.add_passkey", actor=actor, now=now, target=actor_of(account), name=key.name)
    return key


def authentication_options(account: Account | None, *, party: Party, challenge: bytes) -> str:
    """Return what a browser needs to use a passkey, as JSON; without an account the authenticator offers its own."""
    options = generate_authentication_options(
        rp_id=party.domain,
        challenge=challenge,
        allow_credentials=None if account is None else _descriptors(account),
        user_verification=_verification(account),
    )
    return str(options_to_json(options))


def authenticate(
    answer: str, *, account: Account | None, party: Party, challenge: bytes, now: datetime
) -> Account:
    """Return the account that an authenticator's answer opens.

    Args:
        answer: the browser's JSON.
        account: whose second factor it is to be; None when the passkey alone signs in, and must then have verified
            its owner by PIN or biometrics.
        party: this server.
        challenge: what it signed.
        now: the instant of the action.

    Raises:
        PasskeyRefused: the answer does not fit, or is another account's.
    """
    try:
        credential_id = base64url_to_bytes(str(orjson.loads(answer)["rawId"]))
        key = db.session.scalar(
            select(Passkey).where(Passkey.credential_id == credential_id).with_for_update()
        )
        if key is None or (account is not None and key.account_id != account.id):
            raise PasskeyRefused("Use another passkey, or another way to sign in.")
        checked = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.domain,
            expected_origin=party.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=account is None,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise PasskeyRefused("Use another passkey, or another way to sign in.") from error
    key.sign_count, key.used_at = checked.new_sign_count, now
    owner = db.session.get_one(Account, key.account_id)
    if owner.disabled_at is not None:
        raise PasskeyRefused("Use another passkey, or another way to sign in.")
    return owner


def remove(account: Account, key_id: int, *, now: datetime, actor: str) -> None:
    """Remove a passkey of this account; recovery codes go with the last factor.

    Raises:
        NotFound: the account has no such passkey.
    """
    key = db.session.get(Passkey, key_id)
    if key is None or key.account_id != account.id:
        raise NotFound("The passkey has been removed already.")
    db.session.delete(key)
    audit.record("accounts.remove_passkey", actor=actor, now=now, target=actor_of(account), name=key.name)
    factors.forget_codes_without_factor(account)


def _descriptors(account: Account) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=key.credential_id) for key in passkeys_of(account)]


def _verification(account: Account | None) -> UserVerificationRequirement:
    return UserVerificationRequirement.REQUIRED if account is None else UserVerificationRequirement.PREFERRED
