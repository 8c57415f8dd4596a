"""`python -m envoy_bridge` is `envoy-bridge`."""

from envoy_bridge.cli import main

raise SystemExit(main())
