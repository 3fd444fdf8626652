"""The API's description: /openapi.json (OpenAPI 3.1) and /docs, a page made from it without any script."""

import re
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template
from flask_smorest import Api
from marshmallow import INCLUDE, Schema, fields

from consent_server import __version__
from consent_server.auth import auth, declared, scope_of
from consent_server.http import PROBLEM_JSON

bp = Blueprint("openapi", __name__)


class ProblemSchema(Schema):
    """An error (RFC 9457). Members beyond these depend on `type`."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()


class ProblemApi(Api):  # type: ignore[misc]  # the library has no types
    """flask-smorest, with our problems as the documented shape of every error."""

    ERROR_SCHEMA = ProblemSchema


def install(app: Flask, blueprints: list[Any]) -> Api:
    """Register the API's blueprints and describe them."""
    app.config.update(
        API_TITLE="consent-server",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {
                "version": __version__,
                "description": "Decisions, receipts, policy versions and re-consent.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "components": {"securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}}},
        },
    )
    api = ProblemApi(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    _complete(app, api)
    return api


def _complete(app: Flask, api: Any) -> None:
    """Document what the library leaves out: problems as problem+json, bodies as text/plain, who may call."""
    spec: dict[str, Any] = _with_standard_patterns(api.spec.to_dict())
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    views = {_path(rule.rule): app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()}
    kinds = {path: declared(view) for path, view in views.items()}
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            responses = operation["responses"]
            responses.pop("default", None)
            for status, title in _errors(operation, kinds.get(path)):
                responses[status] = {"description": title, "content": {PROBLEM_JSON: problem}}
            body = operation.get("requestBody", {}).get("content", {})
            if "application/json" in body:
                body["text/plain"] = body["application/json"]
            if kinds.get(path) == "server":
                operation["security"] = [{"apiKey": [scope_of(views[path], method)]}]
    app.extensions["openapi"] = spec


def _with_standard_patterns(node: Any) -> Any:
    """Return the description with patterns as JSON Schema has them: `^` and `$` begin and end a text."""
    if isinstance(node, dict):
        return {
            name: value.replace(r"\A", "^").replace(r"\Z", "$")
            if name == "pattern" and isinstance(value, str)
            else _with_standard_patterns(value)
            for name, value in node.items()
        }
    return [_with_standard_patterns(each) for each in node] if isinstance(node, list) else node


def _errors(operation: dict[str, Any], kind: str | None) -> list[tuple[str, str]]:
    found = [("404", "Nothing is there"), ("422", "Fields are missing or wrong"), ("503", "Try again")]
    if "requestBody" in operation:
        found += [
            ("400", "Not valid JSON"),
            ("413", "Too large"),
            ("415", "Not JSON"),
            ("409", "It conflicts"),
            ("410", "It was erased"),
            ("429", "Too many requests"),
            ("401", "The token does not vouch for anybody"),
        ]
    if kind == "browser":
        found.append(("403", "Another site's page"))
    if kind == "server":
        found += [("401", "No valid API key"), ("403", "A key for other calls")]
    if "exports" in str(operation.get("tags")):
        found += [("409", "It cannot be stated so"), ("410", "It was erased"), ("501", "An extra is missing")]
    if operation.get("operationId", "").endswith("banner") or "banner" in str(operation.get("tags")):
        found.append(("409", "Nothing is published yet"))
    return list(dict.fromkeys(found))


def _path(rule: str) -> str:
    """Return a routing rule as OpenAPI writes it: `<string:site_key>` is `{site_key}`."""
    return re.sub(r"<(?:[^<>]*:)?([^<>:]+)>", r"{\1}", rule)


@bp.get("/openapi.json")
@auth("public")
def document() -> Response:
    """Return the OpenAPI document."""
    return jsonify(current_app.extensions["openapi"])


@bp.get("/docs")
@auth("public")
def docs() -> str:
    """Show the API's description as a page."""
    return render_template("docs/api.html", spec=current_app.extensions["openapi"])
