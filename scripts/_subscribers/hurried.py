"""The daemon with a clock that runs sixty times as fast, for what takes it ten minutes to be sure of."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Final

from envoy_bridge.app import Bridge
from envoy_bridge.clock import Clock
from envoy_bridge.config import load

SPEED: Final = 60.0


async def main(settings: Path) -> None:
    """Run until SIGTERM."""
    bridge = Bridge(load(settings, {}), os.environ, clock=Clock.fast(SPEED))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, bridge.ended.set)
    await bridge.run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
