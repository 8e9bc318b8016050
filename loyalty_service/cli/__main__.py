"""`python -m loyalty_service.cli` is `loyalty`."""

from loyalty_service.cli.main import main

main()
