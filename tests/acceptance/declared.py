"""An installation whose deployer declared traits: the catalogue with more lines in it, and all else as it is."""

import os
import subprocess

from tests.conftest import ROOT
from tests.preloaded.python import PYTHON

TRAITS = """
    Trait(name="age", meaning="Age, as the profile says", trait="age"),
    Trait(
        name="tier", meaning="Loyalty tier", trait="tier", values=("bronze", "silver", "gold"), direction=1
    ),
    Trait(name="city", meaning="City, from north to south", trait="address.city", values=("Kiel", "Bonn", "Ulm")),
"""
_END = "\n)\n\nCATALOGUE ="
_REST = """
from pathlib import Path

__path__.append({!r})
"""


class Declared:
    """A fresh OPPORTUNE_HOME, and the commands that `make` runs on it, with a catalogue that has `TRAITS`."""

    def __init__(self, folder, traits=TRAITS):
        self.home = folder / "home"
        self.home.mkdir()
        self._package = folder / "declared" / "features"
        self._package.mkdir(parents=True)
        # The rest of the package stays where it is, and with it what was compiled of it.
        (self._package / "__init__.py").write_text(_REST.format(str(ROOT / "features")))
        (self._package / "events.yaml").symlink_to(ROOT / "features" / "events.yaml")
        self.declare(traits)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OPPORTUNE_")}
        own = {"HOME": self.home, "SCORE_SAMPLE": "1", "WATCH_REGISTRY": "false", "LOG_LEVEL": "warning"}
        self.environment = kept | {f"OPPORTUNE_{name}": str(value) for name, value in own.items()}
        # Without the second the working directory, which holds the catalogue as it is, would come first.
        self.environment |= {"PYTHONPATH": f"{self._package.parent}:{ROOT}", "PYTHONSAFEPATH": "1"}

    def declare(self, traits):
        """Let the catalogue have these lines besides its own."""
        source = (ROOT / "features" / "catalog.py").read_text()
        assert source.count(_END) == source.count("    Tally,\n") == 1
        declared = source.replace("    Tally,\n", "    Tally,\n    Trait,\n").replace(_END, traits + _END[1:])
        (self._package / "catalog.py").write_text(declared)

    def run(self, *arguments):
        """Run Python with these arguments to its end, and return the last line that it printed."""
        done = subprocess.run(
            [PYTHON, "-W", "ignore", *map(str, arguments)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()[-1]
