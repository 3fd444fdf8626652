"""One receipt in each form in which it can be taken away, as a file."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from consent_server.consents.export import jsonld, kantara, pdf
from consent_server.consents.export.evidence import Evidence, evidence, signed_receipt
from consent_server.keys import KeyRing
from consent_server.sites.profile import require

FORMS = ("json", "jsonld", "kantara.json", "pdf", "jws")
PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True)
class File:
    """A receipt as a file."""

    name: str
    kind: str
    body: bytes


def export(
    site_key: str, receipt_id: uuid.UUID, form: str, *, ring: KeyRing, address: str, language: str | None
) -> File:
    """Return a receipt in one of `FORMS`.

    Args:
        site_key: the site's public key.
        receipt_id: the receipt's id.
        form: one of `FORMS`.
        ring: the server's keys.
        address: where the server is reached.
        language: of the PDF's own words; by default the receipt's.

    Raises:
        UnknownReceipt, ReceiptErased, NoDecision: there is nothing to export.
        ProfileIncomplete: the form states the controller, and the site's profile does not.
        NothingGranted: Kantara's form cannot state a refusal.
        PdfNotInstalled, FontMissing: the server cannot make this PDF.
    """
    name = f"receipt-{receipt_id}.{form}"
    if form == "jws":
        signed = signed_receipt(site_key, receipt_id, ring=ring)[2]
        return File(name, "application/jose", f"{signed}\n".encode())
    kind, make = _MAKERS[form]
    found = evidence(site_key, receipt_id, ring=ring, address=address)
    return File(name, kind, make(found, language or found.claims["language"]))


def _json(found: Evidence, language: str) -> bytes:
    return orjson.dumps(found.to_json(), option=PRETTY)


def _jsonld(found: Evidence, language: str) -> bytes:
    profile = require(found.site, jsonld.NEEDED, form="ISO/IEC TS 27560")
    return orjson.dumps(jsonld.receipt(found, profile), option=PRETTY)


def _kantara(found: Evidence, language: str) -> bytes:
    profile = require(found.site, kantara.NEEDED, form="Kantara's consent receipt")
    return orjson.dumps(kantara.receipt(found, profile), option=PRETTY)


def _pdf(found: Evidence, language: str) -> bytes:
    return pdf.render(found, language=language)


_MAKERS: dict[str, tuple[str, Callable[[Evidence, str], bytes]]] = {
    "json": ("application/json", _json),
    "jsonld": ("application/ld+json", _jsonld),
    "kantara.json": ("application/json", _kantara),
    "pdf": ("application/pdf", _pdf),
}
