"""What the client brings along, and what it does not."""

import json
import subprocess
import sys

IMPORTED = "import glottis.api.client, json, sys; print(json.dumps(sorted(sys.modules)))"
OURS = ("glottis.api.client",)
HEAVY = ("quart", "hypercorn", "pydantic", "pymongo", "beanie", "numpy", "av", "onnxruntime")


def test_the_client_brings_none_of_the_server_along() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED], check=True, capture_output=True, text=True, timeout=60
    )
    modules: list[str] = json.loads(done.stdout)
    ours = {name for name in modules if name.startswith("glottis.") and name != "glottis.api"}
    assert ours
    assert not [name for name in ours if not name.startswith(OURS)]
    assert not {name.partition(".")[0] for name in modules} & set(HEAVY)
