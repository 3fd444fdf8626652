"""A receipt as ISO/IEC TS 27560:2023 has it, in JSON-LD with the Data Privacy Vocabulary 2.3. Pure.

One consent receipt holds one consent record; the record has a process for each purpose that was decided on, because
each has its own state. `docs/export.md` maps the standard's fields to the members written here. Three traps of the
guide: its `ConsentTerminated` is not in the vocabulary; its profiles have several IRIs, of which the schema file's
are used; and no shapes come with it, so ours are with the tests.
"""

from collections.abc import Mapping
from typing import Any

from consent_server import clock
from consent_server.consents.export.events import Event
from consent_server.consents.export.evidence import Evidence

CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "loc": "https://w3id.org/dpv/loc#",
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "schema": "https://schema.org/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "cs": "urn:consent-server:ns#",
}
PROFILE = "https://w3id.org/dpv/schema/dpv-27560#"
SCHEMA_VERSION = "ISO/IEC TS 27560:2023"  # data, because the standard will become another one
NEEDED = ("controller", "contact", "address", "jurisdiction", "storage_locations")
Node = dict[str, Any]
# How consent was asked for, by the purpose's consent kind.
LEGAL_BASES = {"general": "dpv:ExpressedConsent", "guardian": "dpv:ExpressedConsent"}
EXPLICIT = "dpv:ExplicitlyExpressedConsent"


def receipt(found: Evidence, profile: Mapping[str, Any]) -> Node:
    """Return a consent receipt with its record. `profile` holds all of `NEEDED`."""
    key = f"urn:uuid:{found.receipt_id}"
    return {
        "@context": CONTEXT,
        "@id": f"{key}#receipt",
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": {"@id": f"{PROFILE}receipt"},
        "schema:schemaVersion": SCHEMA_VERSION,
        "dct:identifier": found.receipt_id,
        "dct:created": _instant(found.claims["issued_at"]),
        "dct:publisher": {"@id": _party_id(found)},
        "dpv:hasRecordOfActivity": _record(found, profile),
        "cs:receipt": found.signed,
        "cs:log": found.log,
        "cs:logIndex": found.idx,
    }


def _record(found: Evidence, profile: Mapping[str, Any]) -> Node:
    claims = found.claims
    purposes = {each["key"]: each for each in found.shown.purposes}
    return {
        "@id": f"urn:uuid:{found.receipt_id}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": {"@id": f"{PROFILE}record"},
        "schema:schemaVersion": SCHEMA_VERSION,
        "dct:identifier": found.receipt_id,
        "dct:valid": _instant(claims["expires_at"]),
        "dct:language": claims["language"],
        "dpv:hasDataSubject": {
            "@id": f"urn:uuid:{claims['visitor_id']}",
            "@type": "dpv:DataSubject",
            "dct:identifier": claims["visitor_id"],
        },
        "dpv:hasNotice": _notice(found),
        "dpv:hasDataController": _controller(found, profile),
        "dpv:hasJurisdiction": {"@id": f"loc:{profile['jurisdiction']}"},
        "dpv:hasProcess": [
            _process(event, purposes.get(event.purpose, {}), found, profile) for event in found.events
        ],
        "cs:action": claims["action"],
        "cs:bannerBuild": claims["banner_build"],
        "cs:layer": claims["layer"],
        "cs:policyVersion": claims["policy_version"],
        "cs:policySha256": claims["policy_sha256"],
    }


def _notice(found: Evidence) -> Node:
    return {
        "@id": found.notice_url,
        "@type": "dpv:ConsentNotice",
        "dct:title": found.shown.title,
        "dct:language": found.claims["language"],
        "schema:sha256": found.claims["text_sha256"],
    }


def _controller(found: Evidence, profile: Mapping[str, Any]) -> Node:
    contacts = [profile[name] for name in ("contact", "email", "phone", "url") if profile.get(name)]
    return {
        "@id": _party_id(found),
        "@type": "dpv:DataController",
        "dct:identifier": _party_id(found),
        "dpv:hasName": profile["controller"],
        "dpv:hasAddress": profile["address"],
        "dpv:hasContact": contacts,
    }


def _process(event: Event, purpose: Mapping[str, Any], found: Evidence, profile: Mapping[str, Any]) -> Node:
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@id": f"urn:consent-server:purpose:{found.site.key}:{event.purpose}",
            "@type": "dpv:Purpose",
            "dct:title": purpose.get("name", event.purpose),
            "dct:description": purpose.get("description", ""),
        },
        "dpv:hasLegalBasis": {"@id": LEGAL_BASES.get(str(purpose.get("consent_kind", "general")), EXPLICIT)},
        "dpv:hasPersonalData": _personal_data(purpose),
        "dpv:hasRecipient": _recipients(purpose, found),
        "dpv:hasStorageCondition": [
            {
                "@type": "dpv:StorageLocation",
                "dpv:hasLocation": [{"@id": f"loc:{each}"} for each in profile["storage_locations"]],
            },
            {"@type": "dpv:StorageDuration", "dpv:hasDuration": _duration(found.site.retention_days)},
        ],
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dpv:isExercisedAt": {"@id": withdrawal_url(found, profile)},
        },
        "dpv:hasConsentStatus": {
            "@type": f"dpv:{event.status}",
            "dpv:isIndicatedAtTime": _instant(clock.iso(clock.from_ms(event.at))),
            "dpv:isIndicatedBy": {"@id": f"urn:uuid:{found.claims['visitor_id']}"},
            "dpv:hasIndicationMethod": f"{found.claims['action']} in the layer {found.claims['layer']}",
            "dpv:hasDuration": _duration(round((event.until - event.at) / 86_400_000)),
        },
    }


def withdrawal_url(found: Evidence, profile: Mapping[str, Any]) -> str:
    """Return where consent is withdrawn: the page that the profile names, or any page of the site."""
    return str(profile.get("withdrawal_url") or f"{found.site.origins[0]}/")


def _personal_data(purpose: Mapping[str, Any]) -> list[Node]:
    """Return what is processed: the identifiers that the purpose's services store, else the browser's own here."""
    stored = [
        {"@type": "dpv:PersonalData", "dct:title": cookie["name"], "dct:source": service["name"]}
        for service in purpose.get("services", [])
        for cookie in service["cookies"]
    ]
    return stored or [{"@type": "dpv:PersonalData", "dct:title": "pseudonymous browser identifier"}]


def _recipients(purpose: Mapping[str, Any], found: Evidence) -> list[Node]:
    third = [
        {"@type": "dpv:ThirdParty", "dpv:hasName": service["provider"]}
        | ({"dpv:hasContact": service["privacy_url"]} if service.get("privacy_url") else {})
        for service in purpose.get("services", [])
    ]
    return third or [{"@id": _party_id(found)}]


def _party_id(found: Evidence) -> str:
    return f"urn:consent-server:controller:{found.site.key}"


def _instant(text: str) -> Node:
    return {"@value": text, "@type": "xsd:dateTime"}


def _duration(days: int) -> Node:
    return {
        "@type": "dpv:TemporalDuration",
        "rdf:value": {"@value": f"P{days}D", "@type": "xsd:duration"},
    }
