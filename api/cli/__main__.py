"""`python -m glottis.api.cli` is `glottis`."""

from glottis.api.cli.main import main

main()
