"""What holds for every history and every visitor."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from consent_server.consents.facts import ConsentState, DecisionFacts
from consent_server.consents.rules import derive_state, effective
from consent_server.policies.changes import ChangeClass, ChangeType
from consent_server.policies.facts import Change, VersionFacts, newest_first
from consent_server.reconsent.rules import Delta, needs_reconsent

from .lives import Json, facts_of, lives, state_of

LATER = 10**6
many = settings(max_examples=150, deadline=None)


def delta_of(life: Json, now: int | None = None) -> Delta | None:
    return needs_reconsent(
        state_of(life), facts_of(life), life["now"] if now is None else now, life["profile"]
    )


def asked(delta: Delta | None) -> set[str]:
    return set(delta.ask) if delta else set()


@many
@given(lives())
def test_the_rule_is_total_and_deterministic(life: Json) -> None:
    assert delta_of(life) == delta_of(life)


@many
@given(lives())
def test_an_answer_is_never_empty_and_names_current_purposes_once(life: Json) -> None:
    delta = delta_of(life)
    assume(delta)

    assert delta is not None
    assert delta.ask or delta.tell
    assert list(delta.ask) == [p for p in newest_first(facts_of(life))[0].purposes if p in delta.ask]


@many
@given(lives(), st.randoms(use_true_random=False))
def test_the_order_of_the_versions_does_not_matter(life: Json, shuffler: random.Random) -> None:
    shuffled = list(life["versions"])
    shuffler.shuffle(shuffled)

    assert delta_of({**life, "versions": shuffled}) == delta_of(life)


@many
@given(lives(), st.sampled_from(["patch", "minor"]), st.sampled_from(["wording", "typo", "recipients"]))
def test_a_further_patch_or_minor_version_changes_no_answer(
    life: Json, change_class: str, change_type: str
) -> None:
    current = newest_first(facts_of(life))[0]
    change = Change(ChangeType(change_type), ChangeClass(change_class))
    update = VersionFacts(f"{current.order[0]}.{current.order[1] + 1}", (change,), current.purposes)
    versions = [*facts_of(life), update]

    after = needs_reconsent(state_of(life), versions, life["now"], life["profile"])

    assert after == delta_of(life)


@many
@given(lives())
def test_raising_or_lowering_between_patch_and_minor_changes_no_answer(life: Json) -> None:
    swapped = {"patch": "minor", "minor": "patch"}
    versions = [
        {**v, "changes": [{**c, "class": swapped.get(c["class"], c["class"])} for c in v["changes"]]}
        for v in life["versions"]
    ]

    assert delta_of({**life, "versions": versions}) == delta_of(life)


@many
@given(lives())
def test_a_refused_purpose_is_not_asked_before_it_expires(life: Json) -> None:
    versions = newest_first(facts_of(life))
    state = state_of(life)
    assume(state and state.purposes)
    assert state is not None
    refusing = ConsentState(
        state.version,
        {
            key: replace(entry, choice="denied", by="custom", until=LATER)
            for key, entry in state.purposes.items()
        },
    )

    delta = needs_reconsent(refusing, versions, LATER - 1, life["profile"])

    assert delta is None or delta.reason in ("added", "notice")


@many
@given(lives())
def test_a_visitor_whom_no_change_touches_is_never_asked(life: Json) -> None:
    """All granted on the first version; then every change is for somebody else's purpose."""
    first = newest_first(facts_of(life))[-1]
    choices = dict.fromkeys(first.purposes, "granted")
    decision = DecisionFacts.from_json(
        {"version": first.number, "action": "accept_all", "choices": choices, "at": 0, "until": LATER}
    )
    elsewhere = [
        replace(
            version,
            purposes=first.purposes,
            changes=tuple(
                replace(change, purposes=("elsewhere",))
                for change in version.changes
                if change.type is not ChangeType.PURPOSE_RENAMED
            ),
        )
        for version in facts_of(life)
    ]

    assert needs_reconsent(derive_state(None, decision), elsewhere, LATER - 1) is None


@many
@given(lives(), st.integers(0, 200))
def test_as_time_passes_nobody_drops_out_of_the_asked(life: Json, wait: int) -> None:
    assert asked(delta_of(life)) <= asked(delta_of(life, now=life["now"] + wait))


@many
@given(lives())
def test_in_the_end_everything_is_asked(life: Json) -> None:
    assert asked(delta_of(life, now=LATER)) == set(newest_first(facts_of(life))[0].purposes)


@many
@given(lives(), st.randoms(use_true_random=False))
def test_after_the_delta_is_answered_nothing_is_asked(life: Json, visitor: random.Random) -> None:
    versions, state, delta = newest_first(facts_of(life)), state_of(life), delta_of(life)
    assume(delta)
    assert delta is not None
    now, on = life["now"], effective(state, versions, life["now"], life["profile"])
    choices = {
        purpose: visitor.choice(["granted", "denied"])
        if purpose in delta.ask
        else ("granted" if purpose in on else "denied")
        for purpose in versions[0].purposes
    }
    answer = DecisionFacts.from_json(
        {
            "version": versions[0].number,
            "action": "custom",
            "choices": choices,
            "asked": delta.ask,
            "at": now,
            "until": now + 1,
        }
    )

    answered = derive_state(state, answer, versions)

    assert needs_reconsent(answered, versions, now, life["profile"]) is None
    granted = {purpose for purpose, choice in choices.items() if choice == "granted"}
    assert set(effective(answered, versions, now, life["profile"])) == granted


@many
@given(lives())
def test_only_what_was_granted_is_on(life: Json) -> None:
    """No grant appears that the visitor did not give by accepting, whatever was renamed or came back."""
    assume(life["decisions"])
    agreed = any(
        d["action"] in ("accept_all", "custom") and "granted" in d["choices"].values()
        for d in life["decisions"]
    )

    on = effective(state_of(life), facts_of(life), life["now"], life["profile"], signal=life["signal"])

    assert agreed or on == ()


@many
@given(lives())
def test_refusing_everything_turns_everything_off_on_any_version(life: Json) -> None:
    for version in facts_of(life):
        refusal = DecisionFacts.from_json(
            {
                "version": version.number,
                "action": "reject_all",
                "choices": dict.fromkeys(version.purposes, "denied"),
                "at": life["now"],
                "until": LATER,
            }
        )
        versions = [v for v in facts_of(life) if v.order <= version.order]
        before = state_of({**life, "decisions": [], "seen": None})

        assert effective(derive_state(before, refusal, versions), versions, life["now"]) == ()


@many
@given(lives())
def test_states_survive_their_json_form(life: Json) -> None:
    state = state_of(life)

    assert state is None or ConsentState.from_json(state.to_json()) == state


@many
@given(lives())
def test_no_entry_is_newer_than_its_state(life: Json) -> None:
    state = state_of(life)

    assert state is None or all(entry.order <= state.order for entry in state.purposes.values())
