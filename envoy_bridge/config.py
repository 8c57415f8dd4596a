"""The configuration: where it is, what it says, what it turns on."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from envoy_bridge.configfile import ConfigFile
from envoy_bridge.errors import StateError
from envoy_bridge.settings import (
    Cloud,
    Config,
    Gateway,
    History,
    HomeAssistant,
    Homie,
    Log,
    Login,
    Mqtt,
    SiteSection,
    State,
    Tls,
    Web,
)
from envoy_bridge.values import Duration, Secret, Size

__all__ = [
    "CLOUDS",
    "Cloud",
    "Config",
    "Duration",
    "Gateway",
    "History",
    "HomeAssistant",
    "Homie",
    "Log",
    "Login",
    "Mqtt",
    "Secret",
    "SiteSection",
    "Size",
    "State",
    "Tls",
    "Web",
    "find",
    "load",
    "permission_warnings",
    "state_directory",
    "unbuilt",
]

CLOUDS: Final = Cloud.__struct_fields__
"""The vendors, as sections and topics name them."""

PLACES = (Path("/etc/envoy-bridge/config.toml"), Path("config.toml"))
SYSTEM_STATE = Path("/var/lib/envoy-bridge")


def find(option: str | None, environ: Mapping[str, str], places: Iterable[Path] = PLACES) -> Path | None:
    """The configuration file: `--config`, else $ENVOY_BRIDGE_CONFIG, else the first of the usual places that exists.

    None when there is none: the environment and the defaults are a whole configuration.
    """
    named = option or environ.get("ENVOY_BRIDGE_CONFIG")
    if named:
        return Path(named)
    return next(filter(_is_there, places), None)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        return True  # so that `load` says so, instead of a start without the user's settings
    except OSError:
        return False
    return True


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration from a file and the environment, which wins; every secret in it is hidden in logs from now on.

    Raises:
        ConfigurationError: it cannot be used; one line that says what to change.
    """
    return ConfigFile(path, environ).read()


def permission_warnings(path: Path | None, environ: Mapping[str, str]) -> list[str]:
    """One line for each file with secrets that other users of the machine can read. Reads the configuration again.

    Raises:
        ConfigurationError: as `load`.
    """
    file = ConfigFile(path, environ)
    file.read()
    return [
        f"{secrets} holds secrets and other users can read it; run: chmod 600 {secrets}"
        for secrets in sorted(file.secret_files)
        if secrets.stat().st_mode & 0o044 and not _is_guarded(secrets, environ)
    ]


def _is_guarded(path: Path, environ: Mapping[str, str]) -> bool:
    """Whether the folder is one that Docker or systemd shows to this service alone, whatever the file's mode."""
    guarded = ["/run/secrets", *filter(None, [environ.get("CREDENTIALS_DIRECTORY")])]
    return any(path.resolve().is_relative_to(Path(folder).resolve()) for folder in guarded)


def configured(config: Config) -> list[str]:
    """The clouds that are turned on, by name."""
    return [name for name in CLOUDS if getattr(config.cloud, name) is not None]


def unbuilt(config: Config) -> list[str]:
    """What is turned on and not there yet, one plain phrase each."""
    return list(_unbuilt(config))


def _unbuilt(config: Config) -> Iterator[str]:
    if config.web.listen:
        yield f'the status page ([web] listen = "{config.web.listen}")'


def state_directory(config: Config, environ: Mapping[str, str], system: Path = SYSTEM_STATE) -> Path:
    """The folder for what must survive a restart, made (0700) where it is missing.

    Raises:
        StateError: there is none and it cannot be made.
    """
    # systemd gives several folders with a colon between them when a unit asks for several; ours is the first.
    given = config.state.directory or environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return _made(Path(given))
    with suppress(StateError):
        if os.access(_made(system), os.W_OK | os.X_OK):
            return system
    return _made(_user_state(environ))


def _user_state(environ: Mapping[str, str]) -> Path:
    """The user's state folder, as the XDG base directory specification has it."""
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"], "envoy-bridge")
    if environ.get("HOME"):
        return Path(environ["HOME"], ".local/state/envoy-bridge")
    raise StateError('there is no folder to keep state in: set [state] directory = "..." to one that can be written')


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"cannot make the state directory {folder}: {error.strerror}; make it, or set another one under [state]"
        ) from error
    return folder
