"""The processes of a measurement: broker, gateways, daemon. Each runs inside its `with`."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from envoy_bridge.gateway.tokens import TokenCache, read_token
from scripts._bench.simulator import Served

PATIENCE = 10.0
"""Seconds for anything to start or to end."""


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for the files of a broker and a daemon."""
    with tempfile.TemporaryDirectory(prefix="envoy-bridge-bench-") as path:
        yield Path(path)


class Process:
    """A process. `command` starts with a program."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._command = command
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("ENVOY_BRIDGE")}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed daemon need not compile itself at each start
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            self._command,
            stdin=pipe,
            stdout=pipe,
            stderr=quiet,
            text=True,
            env=environ,
            start_new_session=True,  # Ctrl-C is for whoever measures, who then ends the others in order
        )
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        try:
            self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    @property
    def process(self) -> subprocess.Popen[str]:
        """The process; it must have been started."""
        if self._process is None:
            raise RuntimeError("it was not started")
        return self._process

    def cpu(self) -> float:
        """Seconds of CPU it has used, user and system, all threads."""
        clock = ~self.process.pid << 3 | 2  # clock_getcpuclockid(3), which Python has for threads only; /proc has ticks
        return time.clock_gettime(clock)

    def files(self) -> int:
        """How many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def memory(self) -> int:
        """Bytes of memory it holds now (RSS)."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Broker(Process):
    """mosquitto as Debian configures it, on a free port of loopback, keeping nothing."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port: int = server.getsockname()[1]
        settings = folder / "mosquitto.conf"
        settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser {getpass.getuser()}\n"
        )
        super().__init__([shutil.which("mosquitto") or "mosquitto", "-c", settings])

    def __enter__(self) -> Self:
        super().__enter__()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.01)
        raise RuntimeError("mosquitto does not listen")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a gateway. `time`: when it began to be written, seconds of the system's monotonic clock."""

    time: float
    address: str
    path: str


class Gateways(Process):
    """A module that serves gateways, and says so in its first line (`Served`). `hear` gets all lines after it."""

    def __init__(self, module: str, *options: str, hear: Callable[[str], None]) -> None:
        super().__init__([sys.executable, "-m", module, *options])
        self._hear = hear

    def __enter__(self) -> Self:
        super().__enter__()
        output = self.process.stdout
        if output is None:
            raise RuntimeError("it has no output")
        first = output.readline()
        if not first:
            raise RuntimeError(f"it does not start; see what it says: {' '.join(map(str, self._command))}")
        self.served = msgspec.json.decode(first, type=Served)
        threading.Thread(target=self._listen, args=(output,), daemon=True).start()
        return self

    def _listen(self, output: Iterable[str]) -> None:
        for line in output:
            self._hear(line)


class Simulator(Gateways):
    """Simulated gateways of one household. `options`: those of `simulator.py`."""

    def __init__(self, household: str, *options: str) -> None:
        super().__init__("scripts._bench.simulator", household, *options, hear=self._note)
        self.answers: list[Answer] = []
        """With `--stamp`: all that was answered."""

    def _note(self, line: str) -> None:
        moment, address, path = line.split()
        self.answers.append(Answer(float(moment), address, path))


class Daemon(Process):
    """`envoy-bridge run` on these gateways, with its default configuration and a token for each in its cache."""

    def __init__(self, folder: Path, served: Served, broker: Broker, *, fast: str = "1s", slow: str = "60s") -> None:
        state = folder / "state"
        lines = [
            f'[state]\ndirectory = "{state}"',
            '[web]\nlisten = ""',  # the usual port may be taken by a daemon that is installed here
            f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}',
            f'[login]\nenlighten = "{served.login}"\nentrez = "{served.login}"',
        ]
        for gateway in served.gateways:
            lines.append(f'[[gateway]]\nhost = "{gateway.address}"\nserial = "{gateway.serial}"')
            lines.append(f'fast = "{fast}"\nslow = "{slow}"')
            token = read_token(gateway.token, serial=gateway.serial, now=time.time())
            state.mkdir(mode=0o700, exist_ok=True)
            TokenCache(state).save(token)
        settings = folder / "config.toml"
        settings.write_text("\n".join(lines) + "\n")
        super().__init__([sys.executable, "-m", "envoy_bridge", "run", "--config", settings])
