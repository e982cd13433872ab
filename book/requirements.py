"""Print what pyproject.toml asks for, one requirement a line, with the extras named: ``requirements.py instructor test``.

The course is used from its folder, so only its dependencies are installed.
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
wanted = list(project["dependencies"])
for extra in sys.argv[1:]:
    wanted += project["optional-dependencies"][extra]
print("\n".join(wanted))
