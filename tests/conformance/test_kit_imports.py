import subprocess
import sys


def test_pytest_is_imported_by_the_kit_alone() -> None:
    code = "import sys, glottis.plugins, glottis.plugins.host; print('pytest' in sys.modules)"

    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert output.stdout.strip() == "False"
