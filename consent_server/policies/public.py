"""Public pages of policy versions; the address of a version never changes."""

from flask import Blueprint

bp = Blueprint("public", __name__, url_prefix="/p")
