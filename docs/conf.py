"""The documentation's configuration: Sphinx with MyST, warnings are errors in CI."""

from importlib.metadata import version as _version

project = "tlswire"
author = "The tlswire developers"
copyright = "2026, The tlswire developers"
release = _version("tlswire")
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
html_theme = "furo"
html_title = "tlswire"
