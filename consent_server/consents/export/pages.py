"""The same files for staff; the console's page of a receipt links to them."""

import uuid

from flask import Blueprint, Response, request

from consent_server.auth import auth
from consent_server.consents.export.api import as_response, ring
from consent_server.consents.export.forms import export
from consent_server.http import public_url

bp = Blueprint("receipt_files", __name__, url_prefix="/console/sites/<site_key>/receipts")


@bp.get('/<uuid:receipt_id>.<any("json","jsonld","kantara.json","pdf"):form>')
@auth("staff", "receipts.read")
def download(site_key: str, receipt_id: uuid.UUID, form: str) -> Response:
    """Return a receipt as a file; `?lang=` chooses the PDF's own words."""
    language = request.args.get("lang") or None
    return as_response(
        export(site_key, receipt_id, form, ring=ring(), address=public_url(), language=language)
    )
