"""A receipt in every form: what it states, and that the forms hold to their standards."""

import io
import uuid
from pathlib import Path
from typing import Any

import orjson
import pyshacl
import pytest
import rdflib
from flask.testing import FlaskClient
from jsonschema_rs import Draft4Validator
from pypdf import PdfReader
from sqlalchemy import update

from consent_server.consents.export import pdf
from consent_server.consents.export.words import WORDS
from consent_server.db import db, transaction
from consent_server.ledger import jws
from consent_server.policies.models import Notice
from consent_server.problems import InvalidInput
from consent_server.retention.service import erase_visitor
from consent_server.sites.profile import set_profile
from consent_server.verifier import verify_proof, verify_receipt
from tests import make
from tests.consents.exported import full_site, get, integrate, receipt
from tests.contract.problems import problem
from tests.retention import people

# rdflib reads JSON-LD by way of a class that it deprecates itself.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
SHAPES = Path(__file__).with_name("shapes-27560.ttl")
FORMS = (".json", ".jsonld", ".kantara.json", ".pdf", ".jws")
TEXT = {"type": "string", "minLength": 1}
KANTARA = {
    "type": "object",
    "required": [
        "version", "jurisdiction", "consentTimestamp", "collectionMethod", "consentReceiptID", "piiPrincipalId",
        "piiControllers", "policyUrl", "services", "sensitive", "spiCat",
    ],
    "properties": {
        "version": {"enum": ["KI-CR-v1.1.0"]},
        "jurisdiction": TEXT,
        "consentTimestamp": {"type": "integer", "minimum": 0},
        "collectionMethod": TEXT,
        "consentReceiptID": TEXT,
        "language": {"type": "string", "minLength": 2, "maxLength": 2},
        "piiPrincipalId": TEXT,
        "piiControllers": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["piiController", "contact", "address", "email", "phone"],
                "properties": {"piiController": TEXT, "contact": TEXT, "address": {"type": "object"}, "email": TEXT, "phone": TEXT},
            },
        },
        "policyUrl": TEXT,
        "services": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["service", "purposes"],
                "properties": {
                    "service": TEXT,
                    "purposes": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["consentType", "purposeCategory", "piiCategory", "termination", "thirdPartyDisclosure"],
                            "properties": {
                                "consentType": {"enum": ["EXPLICIT", "IMPLICIT"]},
                                "purposeCategory": {"type": "array", "minItems": 1, "items": TEXT},
                                "piiCategory": {"type": "array", "minItems": 1, "items": TEXT},
                                "termination": TEXT,
                                "thirdPartyDisclosure": {"type": "boolean"},
                                "thirdPartyName": TEXT,
                            },
                        },
                    },
                },
            },
        },
        "sensitive": {"type": "boolean"},
        "spiCat": {"type": "array"},
    },
}  # fmt: skip


def statuses(data: dict[str, Any]) -> dict[str, str]:
    """Return each purpose's state in a JSON-LD receipt."""
    found = {}
    for process in data["dpv:hasRecordOfActivity"]["dpv:hasProcess"]:
        key = process["dpv:hasPurpose"]["@id"].rsplit(":", 1)[1]
        found[key] = process["dpv:hasConsentStatus"]["@type"].removeprefix("dpv:")
    return found


def conforms(data: dict[str, Any]) -> tuple[bool, str]:
    graph = rdflib.Graph().parse(data=orjson.dumps(data).decode(), format="json-ld")
    same, _, report = pyshacl.validate(graph, shacl_graph=rdflib.Graph().parse(SHAPES))
    return bool(same), str(report)


def page(response: Any) -> str:
    reader = PdfReader(io.BytesIO(response.data))
    assert len(reader.pages) == 1
    return reader.pages[0].extract_text()


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_json_holds_the_receipt_its_proof_and_what_it_says(client: FlaskClient) -> None:
    site = full_site()
    made = make.decide(client, site)
    assert receipt(client, site, made).get_json()["proof"] is None
    integrate()

    data = receipt(client, site, made).get_json()

    assert data["receipt"] == made["receipt"]
    keys = client.get("/.well-known/jwks.json").get_json()["keys"]
    vkeys = client.get(f"/log/{site.key}/keys").text.split("\n")[:-1]
    header, claims, payload = verify_receipt(data["receipt"], {"receipts": {"keys": keys}})
    assert claims == data["claims"]
    assert verify_proof(data["proof"], header, payload, {"logs": vkeys}) == data["log_index"] + 1
    assert [event["status"] for event in data["events"]] == ["ConsentGiven", "ConsentGiven"]
    file = receipt(client, site, made, ".json")
    assert file.get_json() == data
    assert file.headers["Cache-Control"] == "no-store"
    assert made["receipt_id"] in file.headers["Content-Disposition"]


def test_jws_is_the_receipt_itself(client: FlaskClient) -> None:
    site = full_site()
    made = make.decide(client, site)

    assert receipt(client, site, made, ".jws").text == made["receipt"] + "\n"


def test_jsonld_keeps_the_cardinalities_of_27560(client: FlaskClient) -> None:
    site = full_site()
    made = make.decide(client, site, language="zh-CN")

    response = receipt(client, site, made, ".jsonld")

    assert response.content_type == "application/ld+json"
    same, report = conforms(response.get_json())
    assert same, report
    record = response.get_json()["dpv:hasRecordOfActivity"]
    assert record["dct:conformsTo"] == {"@id": "https://w3id.org/dpv/schema/dpv-27560#record"}
    assert record["dct:language"] == "zh-CN"
    assert record["dpv:hasProcess"][0]["dpv:hasRecipient"][0]["dpv:hasName"] == "Counter Ltd"


@pytest.mark.parametrize(
    "path",
    ["dct:identifier", "dpv:hasDataSubject", "dpv:hasNotice", "dpv:hasDataController", "dpv:hasJurisdiction", "dpv:hasProcess"],
)  # fmt: skip
def test_the_shapes_notice_what_is_missing(client: FlaskClient, path: str) -> None:
    site = full_site()
    data = receipt(client, site, make.decide(client, site), ".jsonld").get_json()
    del data["dpv:hasRecordOfActivity"][path]

    assert not conforms(data)[0]


def test_the_states_of_the_vocabulary(client: FlaskClient) -> None:
    site = full_site()
    visitor = str(uuid.uuid4())
    mixed = {"analytics": "granted", "maps": "denied"}
    steps = [
        {"action": "custom", "choices": mixed},
        {},
        {"action": "withdraw", "choices": mixed, "asked": ["maps"]},
        {"action": "expire", "choices": dict.fromkeys(mixed, "denied")},
        make.refusal(site),
    ]
    made = [make.decide(client, site, visitor_id=visitor, **step) for step in steps]

    found = [statuses(receipt(client, site, each, ".jsonld").get_json()) for each in made]

    assert found == [
        {"analytics": "ConsentGiven", "maps": "ConsentRefused"},
        {"analytics": "RenewedConsentGiven", "maps": "ConsentGiven"},
        {"analytics": "ConsentGiven", "maps": "ConsentWithdrawn"},
        {"analytics": "ConsentExpired", "maps": "ConsentExpired"},
        {"analytics": "ConsentRefused", "maps": "ConsentRefused"},
    ]


def test_kantara_states_what_was_granted(client: FlaskClient) -> None:
    site = full_site()
    made = make.decide(client, site, action="custom", choices={"analytics": "granted", "maps": "denied"})

    data = receipt(client, site, made, ".kantara.json").get_json()

    assert list(Draft4Validator(KANTARA).iter_errors(data)) == []
    purposes = data["services"][0]["purposes"]
    assert [each["purposeCategory"] for each in purposes] == [["analytics"]]
    assert purposes[0]["thirdPartyName"] == "Counter Ltd"
    assert data["consentTimestamp"] == int(people.receipts(site)[0].issued_at.timestamp())


def test_kantara_cannot_state_a_refusal(client: FlaskClient) -> None:
    site = full_site()
    made = make.decide(client, site, **make.refusal(site))

    problem(receipt(client, site, made, ".kantara.json"), 409, "nothing-granted")


@pytest.mark.parametrize(
    ("form", "missing"), [(".kantara.json", ["email", "phone"]), (".jsonld", ["storage_locations"])]
)
def test_a_profile_that_lacks_something_is_told_what(
    client: FlaskClient, form: str, missing: list[str]
) -> None:
    site = full_site(**dict.fromkeys(missing))
    made = make.decide(client, site)

    body = problem(receipt(client, site, made, form), 409, "profile-incomplete")

    assert body["missing"] == missing


@pytest.mark.parametrize(
    "wrong",
    [{"email": "nobody"}, {"jurisdiction": "Germany"}, {"phone": "call me"}, {"unknown": "x"}, {"url": "x"}],
)
def test_a_profile_with_a_wrong_field_is_refused(client: FlaskClient, wrong: dict[str, str]) -> None:
    site = full_site()

    with pytest.raises(InvalidInput), transaction():
        set_profile(site, wrong, now=make.NOW, actor=make.STAFF)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_pdf_says_what_was_shown_and_chosen_in_either_language(client: FlaskClient, language: str) -> None:
    site = full_site()
    made = make.decide(
        client, site, language="zh-CN", action="custom", choices={"analytics": "granted", "maps": "denied"}
    )
    shown = receipt(client, site, made, "/shown").get_json()

    response = receipt(client, site, made, ".pdf", lang=language)

    text, words = squeezed(page(response)), WORDS[language]
    assert response.content_type == "application/pdf"
    for word in ("title", "granted", "denied", "basic", "custom", "genuine"):
        assert squeezed(words[word]) in text
    assert squeezed(shown["banner"]["texts"]["body"]) in text
    version = {"en": ",version1.0(zh-CN)", "zh-CN": "，1.0版（zh-CN）"}[language]
    for fact in (made["receipt_id"], made["visitor_id"], shown["notice"]["expected"], "统计", version):
        assert fact in text
    assert receipt(client, site, made, ".pdf", lang=language).data == response.data


def test_texts_are_never_read_as_markup(client: FlaskClient) -> None:
    site = full_site()
    hostile = '#panic("x") *bold* $x$ \\ @ref <label> ` _u_'
    texts = {
        "en": {"name": hostile, "description": hostile},
        "zh-CN": {"name": hostile, "description": hostile},
    }
    make.purposes(site, described=[make.purpose("analytics", texts=texts)])
    make.published_version(site, change="purpose_removed")

    made = make.decide(client, site)

    assert squeezed(hostile) in squeezed(page(receipt(client, site, made, ".pdf")))


def test_sixty_purposes_still_fit_on_one_page(client: FlaskClient) -> None:
    site = make.site()
    make.policy(site)
    texts = {each: {"name": "Name " * 6, "description": "What it is for. " * 12} for each in ("en", "zh-CN")}
    make.purposes(site, described=[make.purpose(f"p{n}", texts=texts) for n in range(60)])
    make.published_version(site)

    response = receipt(client, site, make.decide(client, site), ".pdf")

    assert made_by_typst(response)
    assert WORDS["en"]["verify"] in page(response)


def made_by_typst(response: Any) -> bool:
    return bool(response.data.startswith(b"%PDF-"))


def test_a_server_without_a_font_says_which_package_is_missing(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = full_site()
    made = make.decide(client, site, language="en")
    monkeypatch.setattr(pdf, "_families", lambda: frozenset({"Libertinus Serif"}))

    body = problem(receipt(client, site, made, ".pdf", lang="zh-CN"), 501, "pdf-font-missing")

    assert "fonts-noto-cjk" in body["detail"]
    assert receipt(client, site, made, ".pdf", lang="en").status_code == 200


def test_what_was_shown_comes_back_with_its_hashes(client: FlaskClient) -> None:
    site = full_site()
    made = make.decide(client, site)
    make.published_version(site, change="recipients")

    shown = receipt(client, site, made, "/shown").get_json()

    assert shown["genuine"]
    assert shown["banner"]["texts"]["accept"] == "Accept all"
    assert "Statistics and Maps" in shown["banner"]["texts"]["body"]
    assert shown["notice"]["title"] == "Privacy policy"
    assert "What we collect" in shown["notice"]["html"]
    assert {each["key"]: each["choice"] for each in shown["policy"]["purposes"]} == {
        "essential": None,
        "analytics": "granted",
        "maps": "granted",
    }


def test_a_text_that_was_changed_behind_our_back_shows(client: FlaskClient) -> None:
    site = full_site()
    made = make.decide(client, site)
    forge_notice()

    shown = receipt(client, site, made, "/shown").get_json()

    assert not shown["genuine"]
    assert shown["banner"]["same"]
    assert not shown["notice"]["same"]
    text = squeezed(page(receipt(client, site, made, ".pdf")))
    assert squeezed(WORDS["en"]["not_genuine"]) in text


def forge_notice() -> None:
    """Change a published text as somebody with the database's password could."""
    on_sqlite = db.engine.dialect.name == "sqlite"
    with transaction():
        db.session.execute(rdb("DROP TRIGGER keep_notice_update" + ("" if on_sqlite else " ON notice")))
        db.session.execute(update(Notice).values(source="# Privacy policy\n\nSomething else.\n"))


def rdb(text: str) -> Any:
    return db.text(text)


@pytest.mark.parametrize("form", ["", *FORMS, "/shown"])
def test_what_is_not_there_or_not_theirs(client: FlaskClient, form: str) -> None:
    site, other = full_site(), full_site()
    made = make.decide(client, site)

    problem(receipt(client, other, made, form), 404, "unknown-receipt")
    assert client.get(f"/v1/sites/{site.key}/receipts/{made['receipt_id']}{form}").status_code == 401
    with transaction():
        erase_visitor(site, uuid.UUID(made["visitor_id"]), ring=people.ring(), now=make.NOW, actor="command")
    problem(receipt(client, site, made, form), 410, "receipt-erased")


def test_an_erase_leaf_is_no_decision_but_has_its_jws(client: FlaskClient) -> None:
    site = full_site()
    made = make.decide(client, site)
    with transaction():
        erase_visitor(site, uuid.UUID(made["visitor_id"]), ring=people.ring(), now=make.NOW, actor="command")
    leaf = {"receipt_id": str(people.receipts(site)[-1].receipt_id)}

    problem(receipt(client, site, leaf, ".pdf"), 409, "not-a-decision")
    parsed = jws.parse(receipt(client, site, leaf, ".jws").text.strip())
    assert parsed.claims["indexes"] == [make.first_index(site)]


def test_an_unknown_form_and_a_wrong_language(client: FlaskClient) -> None:
    site = full_site()
    made = make.decide(client, site)

    problem(receipt(client, site, made, ".xml"), 404, "not-found")
    problem(receipt(client, site, made, ".pdf", lang="not a language"), 422, "invalid-input")
    problem(get(client, site, "receipts/not-a-uuid.pdf"), 404, "not-found")


def test_staff_get_the_same_files(client: FlaskClient) -> None:
    site = full_site()
    made = make.decide(client, site)
    path = f"/console/sites/{site.key}/receipts/{made['receipt_id']}"
    assert client.get(f"{path}.pdf").status_code in (302, 303)
    make.signed_in(client)

    for form in ("json", "jsonld", "kantara.json", "pdf"):
        response = client.get(f"{path}.{form}")
        assert response.status_code == 200, form
        assert response.headers["Content-Disposition"].startswith("attachment")
