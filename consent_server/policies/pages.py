"""Console pages."""

from flask import Blueprint

bp = Blueprint("policy_pages", __name__, url_prefix="/console/sites")
