"""Run the benchmarks, each in a process of its own; see benchmarks/README.md.

    python benchmarks/run.py [--quick]

Exits with 1 where a request failed, a connection was lost or an error rate is above its target; a slow
machine is no failure.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="only HTTP and conversations, in under 3 minutes"
    )
    is_quick = parser.parse_args().quick
    engines = [] if is_quick else ["benchmarks.inference", "benchmarks.speech", "benchmarks.training"]
    modules = ["benchmarks.http", "benchmarks.realtime", *engines]
    commands = [[module, *(["--quick"] if is_quick else [])] for module in modules]
    # Settings of another server, in this environment, are none of theirs.
    ours = ("GLOTTIS_", "VOICE_", "WS_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    statuses = [
        subprocess.run([sys.executable, "-m", *command], cwd=_ROOT, env=environment, check=False).returncode
        for command in commands
    ]
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main())
