"""A script's packages, in the virtual environment `.venv` of the repository, which all scripts share.

`require(numpy="numpy")` returns at once if the packages can be imported. Otherwise it makes the environment, installs
them, and starts the script again inside it.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"


def require(**packages: str) -> None:
    """Makes `import name` work for each `name="what pip installs"`."""
    if all(importlib.util.find_spec(name) for name in packages):
        return
    if Path(sys.prefix) == ENVIRONMENT:
        sys.exit(f"{', '.join(packages)} are installed in {ENVIRONMENT}, but can't be imported")
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    # llama-cpp-python is built from source; this tells it to use what the machine has.
    settings = {"CMAKE_ARGS": "-DGGML_NATIVE=ON", **os.environ}
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages.values()], check=True, env=settings)
    os.execv(python, [str(python), *sys.argv])
