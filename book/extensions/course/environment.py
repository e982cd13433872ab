"""What the kernels that execute the chapters find: the course's library, on the reference if there is one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config


def setup(app: Sphinx) -> None:
    root = Path(app.srcdir)
    if "DDPMLIB_REFERENCE" not in os.environ and (root / "solutions" / "ddpmlib").is_dir():
        os.environ["DDPMLIB_REFERENCE"] = "1"
    paths = [str(root), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    if str(root) not in sys.path:
        sys.path.append(str(root))
    # figures reach the page through the notebook's own backend, whatever the shell asks for
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    # small tensors: one thread is as fast, and gives the same digits on every machine
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app.connect("config-inited", tolerate_students_errors)
    leave_out_thebe(app)


def leave_out_thebe(app: Sphinx) -> None:
    """Take back what sphinx-thebe has connected: it would name another host on every page, and log an error."""
    for name, listeners in app.events.listeners.items():
        app.events.listeners[name] = [entry for entry in listeners if entry.handler.__module__ != "sphinx_thebe"]
    app.registry.css_files[:] = [entry for entry in app.registry.css_files if entry[0] != "sphinx-thebe.css"]


def reference_mode() -> bool:
    """Whether the chapters run on the reference implementation."""
    return os.environ.get("DDPMLIB_REFERENCE") == "1"


def tolerate_students_errors(app: Sphinx, config: Config) -> None:
    """Show the errors of a student's code on the page that they belong to; an error on the reference stops the build."""
    if not reference_mode():
        config.nb_execution_allow_errors = True
        config.nb_execution_raise_on_error = False
        config.nb_output_stderr = "show"
