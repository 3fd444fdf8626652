"""What a form writes is what the payload's, the packing's and the rules' own functions write, byte for byte."""

import secrets
import uuid
from datetime import timedelta, timezone
from typing import Any

import orjson
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent_server import clock, packing
from consent_server.consents import forms, payload
from consent_server.consents.answers import Acknowledgement
from consent_server.consents.payload import Decision
from consent_server.consents.rules import derive_state
from consent_server.consents.schemas import ACTIONS, CHOICES, LAYERS
from consent_server.ledger import jws
from consent_server.ledger.append import Stored
from consent_server.policies.published import SiteView
from tests import make

# Milliseconds: of the years that are packed as digits; and of what a wrong clock may say, in any zone.
INSTANTS = st.integers(1_000_000_000_000, 32_000_000_000_000).map(clock.from_ms)
CLICKS = st.integers(600_000_000_000, 33_000_000_000_000).map(
    lambda ms: clock.from_ms(ms).astimezone(timezone(timedelta(hours=8)))
)


def decisions(view: SiteView, build: str) -> st.SearchStrategy[Decision]:
    version = view.versions[-1]
    purposes = version.facts.purposes
    return st.builds(
        Decision,
        receipt_id=st.uuids(),
        visitor_id=st.uuids(),
        policy_version=st.just(version.number),
        language=st.sampled_from(sorted(version.notices)),
        action=st.sampled_from(ACTIONS),
        layer=st.sampled_from(LAYERS),
        choices=st.permutations(purposes).flatmap(
            lambda keys: st.fixed_dictionaries({key: st.sampled_from(CHOICES) for key in keys})
        ),
        asked=st.lists(st.sampled_from(purposes)),
        banner_build=st.just(build),
        decided_at=st.none() | CLICKS,
        signals=st.fixed_dictionaries({}, optional={"gpc": st.booleans(), "dnt": st.booleans()}),
    )


@pytest.fixture
def shown(app: Flask) -> tuple[SiteView, str]:
    site = make.ready_site("analytics", "marketing")
    build = make.banner(app.test_client(), site)["banner_build"]
    return make.view(site), build


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_form_writes_what_is_written_without_it(shown: tuple[SiteView, str], data: st.DataObject) -> None:
    view, build = shown
    decision: Decision = data.draw(decisions(view, build))
    at = data.draw(INSTANTS)
    nonce = secrets.token_bytes(payload.NONCE_BYTES)
    version, until = view.versions[-1], at + view.lifetime

    form = forms.form_of(view, decision)
    written = form.write(decision, at=at, nonce=nonce)
    first = forms.First(form, clock.to_ms(at), clock.to_ms(until))

    text = payload.build(
        decision,
        site=view.key,
        policy=view.policy_key,
        policy_sha256=version.sha256,
        text_sha256=version.notices[decision.language]["sha256"],
        issued_at=at,
        expires_at=until,
        nonce=nonce,
    )
    assert written == (text, packing.pack(text, packing.PAYLOAD))
    assert packing.unpack(written.packed) == text
    facts = forms.facts_of(decision, at=clock.to_ms(at), until=clock.to_ms(until))
    state = derive_state(None, facts, view.facts)
    assert first.state() == state
    assert first.packed() == packing.pack_json(state.to_json())
    assert first.packed() == first.packed()


def test_the_usual_decision_is_written_by_template(shown: tuple[SiteView, str]) -> None:
    view, build = shown
    usual = Decision(
        receipt_id=uuid.uuid4(), visitor_id=uuid.uuid4(), policy_version=view.versions[-1].number, language="en",
        action="accept_all", layer="banner", choices=dict.fromkeys(view.versions[-1].facts.purposes, "granted"),
        asked=view.versions[-1].facts.purposes, banner_build=build, decided_at=make.NOW, signals={"gpc": False},
    )  # fmt: skip

    assert forms.form_of(view, usual)._template is not None


def test_a_visitor_cannot_fill_the_memory_with_unusual_choices(
    shown: tuple[SiteView, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    view, build = shown
    monkeypatch.setattr(forms, "MOST_FORMS", 3)
    for layer in LAYERS:
        decision = Decision(
            receipt_id=uuid.uuid4(), visitor_id=uuid.uuid4(), policy_version=view.versions[-1].number, language="en",
            action="accept_all", layer=layer, choices=dict.fromkeys(view.versions[-1].facts.purposes, "granted"),
            asked=[], banner_build=build, decided_at=None, signals={},
        )  # fmt: skip
        forms.form_of(view, decision)

    assert len(view.forms) <= 3


def test_an_answer_repeats_what_the_payload_says(app: Flask, shown: tuple[SiteView, str]) -> None:
    ring = app.extensions["keys"]
    key = ring.receipt_key
    claims: dict[str, Any] = {
        "receipt_id": str(uuid.uuid4()), "visitor_id": str(uuid.uuid4()), "nonce": "0" * 32,
        "issued_at": clock.iso(make.NOW), "expires_at": clock.iso(make.NOW + timedelta(days=1)),
        "choices": {"b": "granted", "a": "denied"}, "language": "en",
    }  # fmt: skip
    text = orjson.dumps(claims, option=orjson.OPT_SORT_KEYS)
    stored = Stored(1, 7, uuid.UUID(claims["receipt_id"]), key.kid, text)

    answer = Acknowledgement(stored, "log.example/log/s", created=True).body(ring)

    names = ("receipt_id", "visitor_id", "issued_at", "expires_at")
    members = {name: claims[name] for name in names} | {
        "choices": dict(sorted(claims["choices"].items())),
        "log_index": 7,
        "receipt": jws.sign(text, key=key, log="log.example/log/s", idx=7),
    }
    assert answer == orjson.dumps(members)
    header = jws.parse(members["receipt"])
    assert header.header == {
        "alg": "Ed25519",
        "idx": 7,
        "kid": key.kid,
        "log": "log.example/log/s",
        "typ": jws.TYPE,
    }
    assert jws.signer(ring, header) == key
