"""The command line: `glottis`."""

from glottis.api.cli.main import main

__all__ = ["main"]
