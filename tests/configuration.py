"""A folder with a configuration in it, for the tests of what reads one."""

from pathlib import Path

import pytest

from envoy_bridge import config
from envoy_bridge.config import Config
from envoy_bridge.environment import PREFIX
from envoy_bridge.errors import ConfigurationError

# Every key there is, with its default where it has one.
EVERYTHING = """
[mqtt]
host = "localhost"
port = 1883
username = "bridge"
password = "CANARY-mqtt"
base_topic = "envoy"
client_id = "envoy-bridge"
protocol = "auto"
tls = { ca_file = "ca.pem", cert_file = "cert.pem", key_file = "key.pem" }

[[gateway]]
host = "envoy.local"
serial = "122300000000"
username = "me@example.org"
password_file = "enlighten"
token_file = "token"
fast = "5s"
slow = "60s"
inverters = "5m"
live_data = false
meter_stream = false

[energy]
week = true
month = true
year = true

[site]
grid_meter = "122300000000"
gateways = ["122300000000"]

[login]
enlighten = "https://enlighten.enphaseenergy.com"
entrez = "https://entrez.enphaseenergy.com"

[homeassistant]
discovery = "device"
prefix = "homeassistant"

[homie]
enabled = false

[history]
enabled = true
every = "10s"
max_size = "64MB"

[web]
listen = "127.0.0.1:8099"

[state]
directory = "/var/lib/envoy-bridge"

[cloud.enlighten]
api = "v4"
key = "CANARY-key"
client_id = "app"
client_secret = "CANARY-client"
user_id = "CANARY-user"
month_quota = 10000
base_url = "https://api.example.org"
sites = ["1", "2"]
every = "15m"

[cloud.tigo]
username = "me@example.org"
password = "CANARY-tigo"
base_url = "https://api.example.org"
sites = ["1", "2"]
every = "15m"

[cloud.growatt]
token = "CANARY-growatt"
region = "global"
timezone = "Europe/Vienna"
base_url = "https://api.example.org"
sites = ["1", "2"]
every = "15m"

[cloud.locus]
client_id = "app"
client_secret = "CANARY-locus"
username = "me@example.org"
password = "CANARY-solarnoc"
partner_id = "4"
base_url = "https://api.example.org"
sites = ["1", "2"]
every = "15m"

[log]
level = "info"
format = "auto"
"""


class Folder:
    """A folder with `config.toml` and the files that EVERYTHING names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ("ca.pem", "cert.pem", "key.pem"):
            self.write(name, "PEM")
        self.write("enlighten", "CANARY-enlighten\n")
        self.write("token", "CANARY-token\r\n")

    def write(self, name: str, text: str | bytes) -> Path:
        """A file that only its owner can read."""
        file = self.path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(0o600)
        return file

    def load(self, text: str, **environ: str) -> Config:
        """The configuration of this text and these variables; `MQTT__HOST` stands for `ENVOY_BRIDGE__MQTT__HOST`."""
        return config.load(self.write("config.toml", text), self.environ(environ))

    def error(self, text: str, **environ: str) -> str:
        """The message with which they are refused, without the path of the file in front."""
        with pytest.raises(ConfigurationError) as refused:
            self.load(text, **environ)
        return str(refused.value).removeprefix(f"{self.path}/config.toml: ")

    @staticmethod
    def environ(short: dict[str, str]) -> dict[str, str]:
        """Variables with their whole name."""
        return {name if name.startswith("ENVOY_BRIDGE") else f"{PREFIX}{name}": text for name, text in short.items()}
