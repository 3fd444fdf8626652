"""Console pages."""

from flask import Blueprint

bp = Blueprint("purposes", __name__, url_prefix="/console/sites")
