"""The files of the repository as its checks see them: what is committed or about to be."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("features", "feature_repo", "models", "policy", "serving", "training")
COMMANDS = ("benchmarks", "demo", "verification")


@cache
def files() -> list[Path]:
    """Return every file that git tracks or would add, as paths below the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file())


@cache
def modules() -> list[Path]:
    """Return the Python files of the packages and of the commands beside them."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in (*PACKAGES, *COMMANDS)]


@cache
def text(path: Path) -> str:
    """Return the text of one file, "" where it is not text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def docstring(path: Path) -> str | None:
    """Return a module's docstring."""
    return ast.get_docstring(ast.parse(text(path)))
