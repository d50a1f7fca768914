"""How the site is built: ``cargo xtask docs``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
PACKAGE = ROOT / "crates/py/python"
sys.path[:0] = [str(PACKAGE), str(HERE)]
# The kernels that run the tutorials find the package too; what they print is no progress bar.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))
os.environ["TQDM_DISABLE"] = "1"

import commands  # noqa: E402
import reference  # noqa: E402
import rooms  # noqa: E402
import worldwright  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402
from sphinx.ext.napoleon.docstring import GoogleDocstring  # noqa: E402
from sphinx.util.inspect import TypeAliasForwardRef  # noqa: E402

project = "Worldwright"
author = "the Worldwright authors"
copyright = "the Worldwright authors"  # noqa: A001 - Sphinx's own name
release = version = worldwright.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "myst_nb", "sphinx_copybutton", "sphinx_design"]
exclude_patterns = ["conf.py", "commands.py", "reference.py", "rooms.py", "requirements.txt"]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".py": "myst-nb"}

# Every reference must lead somewhere; what other projects define is theirs.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(numpy|np|matplotlib|collections|pathlib|typing|abc|enum|os|gymnasium|pandas|polars|torch|ray|minari|pyarrow|NDArray)(\..*)?"),
    (r"py:.*", r"(Any|Self|Callable|Mapping|Sequence|Path|Figure|Floats|Section|EnvironmentLike|Follower|ArrayLike|Iterable|Iterator|Literal|Table|Episodes|optional|callable|worldwright\._.*|_native\..*)"),
    (r"py:.*", r"(WorldwrightError|bool_|float64|.*\.Floats|.*\.Section|.*\.EnvironmentLike|.*\.Follower|.*\._[A-Za-z]+.*)"),
    (r"py:class", r"(int|float|str|bool|object|None|Exception|ValueError|NotImplementedError|RuntimeError|ArithmeticError|LookupError|UserWarning|KeyboardInterrupt|dict|list|tuple)"),
    (r"py:class", r"worldwright\.data\.\w+\.Table"),
    (r"py:exc", r".*"),
]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_type_aliases = {name: name for name in ("Floats", "Section", "EnvironmentLike", "Follower")}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache"
nb_execution_cache_path = os.environ.get("WORLDWRIGHT_DOCS_CACHE", str(ROOT / "target/docs-cache"))
nb_execution_in_temp = True
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"Worldwright {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1668b0", "color-brand-content": "#1668b0"},
    "dark_css_variables": {"color-brand-primary": "#62aef0", "color-brand-content": "#62aef0"},
}
copybutton_exclude = ".linenos, .gp, .go"
# Of a terminal only what is typed is copied.
copybutton_prompt_text = "$ "


def _whole(self: GoogleDocstring) -> tuple[str, list[str]]:
    """The words under an attribute are its description to the end: types stand in annotations, never before a colon."""
    return "", self._dedent(self._consume_to_end())


def _shown_as_code(app: object, what: str, name: str, given: object, options: object, lines: list[str]) -> None:
    """Indented examples of docstrings are code."""
    lines[:] = reference.with_code("\n".join(lines)).split("\n")


def setup(app: Sphinx) -> None:
    """The pages of the reference are written from what package and program say of themselves."""
    app.connect("autodoc-process-docstring", _shown_as_code, priority=400)
    GoogleDocstring._consume_inline_attribute = _whole
    # Within other types, too, an alias is shown by its name.
    TypeAliasForwardRef.__repr__ = lambda self: self.name
    folder = HERE / "reference"
    pages = reference.pages() | commands.pages() | rooms.pages()
    reference.write(folder, pages)
