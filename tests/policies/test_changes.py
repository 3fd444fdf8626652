"""Change types, what they propose, and the number of the next version."""

from __future__ import annotations

import pytest

from consent_server.policies.changes import (
    PROPOSED,
    ChangeClass,
    ChangeType,
    is_downgrade,
    next_number,
    proposed_class,
    version_order,
)

PATCH, MINOR, NOTICE, CONSENT = ChangeClass


def test_every_type_proposes_a_class_and_says_why() -> None:
    assert set(PROPOSED) == set(ChangeType)
    assert all(proposal.reason.endswith(".") for proposal in PROPOSED.values())


def test_each_of_the_six_criteria_is_behind_a_type_and_makes_it_major() -> None:
    with_criterion = [proposal for proposal in PROPOSED.values() if proposal.criterion]

    assert {proposal.criterion for proposal in with_criterion} == {1, 2, 3, 4, 5, 6}
    assert all(proposal.change_class.is_major for proposal in with_criterion)


@pytest.mark.parametrize(
    ("change_class", "types"),
    [
        (
            CONSENT,
            """purpose_added purpose_changed data_type recipients legal_basis cross_border sensitive_data
            service_added cookie_added unclassified""",
        ),
        (NOTICE, "ownership rights contact impact_assessment retention"),
        (MINOR, "purpose_removed purpose_renamed service_removed cookie_removed wording translation"),
        (PATCH, "typo link"),
    ],
)
def test_types_propose_their_class(change_class: ChangeClass, types: str) -> None:
    proposing = [t.value for t in ChangeType if proposed_class(t) is change_class]

    assert sorted(proposing) == sorted(types.split())


def test_classes_are_ordered_and_the_upper_two_are_major() -> None:
    assert [c.rank for c in (PATCH, MINOR, NOTICE, CONSENT)] == [0, 1, 2, 3]
    assert [c.is_major for c in (PATCH, MINOR, NOTICE, CONSENT)] == [False, False, True, True]


@pytest.mark.parametrize("change_type", ChangeType)
def test_only_less_than_proposed_is_a_downgrade(change_type: ChangeType) -> None:
    proposed = proposed_class(change_type)

    assert [c for c in ChangeClass if is_downgrade(change_type, c)] == list(ChangeClass)[: proposed.rank]


@pytest.mark.parametrize(
    ("previous", "classes", "number"),
    [
        (None, [], "1.0"),
        (None, [CONSENT], "1.0"),
        ("1.0", [PATCH], "1.1"),
        ("1.9", [PATCH, MINOR], "1.10"),
        ("1.10", [MINOR, NOTICE], "2.0"),
        ("9.3", [CONSENT, PATCH], "10.0"),
    ],
)
def test_the_gravest_change_decides_the_number(
    previous: str | None, classes: list[ChangeClass], number: str
) -> None:
    assert next_number(previous, classes) == number


def test_a_version_that_nobody_classified_is_not_minor() -> None:
    assert next_number("1.4", []) == "2.0"


def test_numbers_compare_as_numbers() -> None:
    assert sorted(["10.0", "2.0", "1.10", "1.9"], key=version_order) == ["1.9", "1.10", "2.0", "10.0"]
