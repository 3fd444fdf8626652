"""A receipt as Kantara's Consent Receipt v1.1 has it. Pure.

The format can only state consent that was given: it lists the purposes that were granted, and a decision that granted
nothing has no such receipt.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from consent_server.consents.export.events import PERMITTING
from consent_server.consents.export.evidence import Evidence
from consent_server.consents.export.jsonld import withdrawal_url
from consent_server.problems import Problem

VERSION = "KI-CR-v1.1.0"
NEEDED = ("controller", "contact", "address", "email", "phone", "jurisdiction")


class NothingGranted(Problem):
    slug, status = "nothing-granted", HTTPStatus.CONFLICT
    title = "A Kantara receipt can only state consent that was given"


def receipt(found: Evidence, profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return the receipt. `profile` holds all of `NEEDED`.

    Raises:
        NothingGranted: the decision granted nothing.
    """
    granted = {event.purpose for event in found.events if event.status in PERMITTING}
    purposes = [each for each in found.shown.purposes if each["key"] in granted]
    if not purposes:
        raise NothingGranted("Export it as JSON-LD or PDF; they state a refusal.")
    return {
        "version": VERSION,
        "jurisdiction": profile["jurisdiction"],
        "consentTimestamp": int(found.issued_at.timestamp()),
        "collectionMethod": f"web page, {found.claims['layer']}",
        "consentReceiptID": found.receipt_id,
        "language": found.claims["language"].split("-")[0],
        "piiPrincipalId": found.claims["visitor_id"],
        "piiControllers": [_controller(profile)],
        "policyUrl": found.notice_url,
        "services": [
            {"service": found.site.name, "purposes": [_purpose(each, found, profile) for each in purposes]}
        ],
        "sensitive": False,  # no purpose declares special categories of data
        "spiCat": [],
    }


def _controller(profile: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "piiController": profile["controller"],
        "contact": profile["contact"],
        "address": {"streetAddress": profile["address"]},
        "email": profile["email"],
        "phone": profile["phone"],
    }
    return found | ({"piiControllerUrl": profile["url"]} if profile.get("url") else {})


def _purpose(purpose: Mapping[str, Any], found: Evidence, profile: Mapping[str, Any]) -> dict[str, Any]:
    names = [service["provider"] for service in purpose["services"]]
    stored = [cookie["name"] for service in purpose["services"] for cookie in service["cookies"]]
    until = found.expires_at.date().isoformat()
    members: dict[str, Any] = {
        "purpose": purpose["name"],
        "purposeCategory": [purpose["key"]],
        "consentType": "EXPLICIT",
        "piiCategory": stored or ["pseudonymous browser identifier"],
        "primaryPurpose": False,
        "termination": f"{until}, or earlier by withdrawal at {withdrawal_url(found, profile)}",
        "thirdPartyDisclosure": bool(names),
    }
    return members | ({"thirdPartyName": ", ".join(names)} if names else {})
