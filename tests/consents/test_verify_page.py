"""The public verification page, without JavaScript; the browser's own checks have a test in a real browser."""

import io

from flask.testing import FlaskClient

from tests import make


def test_a_pasted_receipt_is_found_genuine_and_shown(client: FlaskClient) -> None:
    site = make.ready_site("analytics")
    receipt = make.decide(client, site)["receipt"]

    page = client.post("/verify?lang=en", data={"receipt": receipt})

    assert page.status_code == 200
    assert "The receipt is genuine." in page.text
    assert "analytics: granted" in page.text


def test_an_uploaded_file_works_too(client: FlaskClient) -> None:
    site = make.ready_site("analytics")
    receipt = make.decide(client, site)["receipt"]

    page = client.post(
        "/verify?lang=en", data={"receipt": "", "file": (io.BytesIO(receipt.encode()), "r.jws")}
    )

    assert "The receipt is genuine." in page.text


def test_a_tampered_receipt_is_not_genuine_and_says_why(client: FlaskClient) -> None:
    site = make.ready_site("analytics")
    receipt = make.decide(client, site)["receipt"]
    head, body, signature = receipt.split(".")

    page = client.post("/verify?lang=en", data={"receipt": f"{head}.{body[:-4]}AAAA.{signature}"})

    assert "The receipt is not genuine." in page.text
    assert "analytics: granted" not in page.text


def test_nonsense_and_nothing_are_answered_on_the_page(client: FlaskClient) -> None:
    nonsense = client.post("/verify?lang=en", data={"receipt": "<script>alert(1)</script>"})
    nothing = client.post("/verify?lang=en", data={})

    assert "This is not a consent receipt." in nonsense.text
    assert "<script>alert" not in nonsense.text
    assert "There is no receipt in what you sent." in nothing.text
