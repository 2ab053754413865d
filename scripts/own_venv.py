"""A script's packages, in a virtual environment of its own under `.venv/`.

`require("numpy")` returns at once if the packages can be imported. Otherwise it makes the environment, installs
them, and starts the script again inside it.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def require(**packages: str) -> None:
    """Makes `import name` work for each `name="what pip installs"`."""
    if all(importlib.util.find_spec(name) for name in packages):
        return
    environment = ROOT / ".venv" / Path(sys.argv[0]).stem
    python = environment / "bin" / "python"
    if Path(sys.prefix) == environment:
        sys.exit(f"{', '.join(packages)} are installed in {environment}, but can't be imported")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    # llama-cpp-python is built from source; this tells it to use what the machine has.
    settings = {"CMAKE_ARGS": "-DGGML_NATIVE=ON", **os.environ}
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages.values()], check=True, env=settings)
    os.execv(python, [str(python), *sys.argv])
