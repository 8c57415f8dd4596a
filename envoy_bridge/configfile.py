"""Makes a checked `Config` of a TOML file, the environment and the files that secrets are in.

Every message is one line that says which key is wrong and what to write. None shows the value of a secret key.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import structs

from envoy_bridge.environment import PREFIX, Variable, overlay
from envoy_bridge.errors import ConfigurationError
from envoy_bridge.redaction import hide, redact
from envoy_bridge.schema import Place, is_list, is_section, keys, kinds, nearest
from envoy_bridge.settings import Config, Section
from envoy_bridge.values import Duration, Key, Secret, Size, as_it_is

LONGEST_SECRET = 65536
"""Bytes read of a secret file: far more than a token has, and an end to a path that is a device."""

LONGEST_SHOWN = 60
"""Characters of a wrong value in a message, which is one line."""

S = TypeVar("S", bound=Section)


class ConfigFile:
    """One reading of a configuration; afterwards `secret_files` are the files that secrets stood in."""

    def __init__(self, path: Path | None, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ
        self._folder = (path.parent if path else Path()).absolute()
        self.secret_files: set[Path] = set()

    def read(self) -> Config:
        """The configuration.

        Raises:
            ConfigurationError: it cannot be read, or says something that it must not.
        """
        return self._section(Config, overlay(self._parse(), self._environ), ())

    def _parse(self) -> dict[str, Any]:
        if self._path is None:
            return {}
        try:
            return tomllib.loads(self._path.read_bytes().decode("utf-8-sig"))
        except FileNotFoundError:
            raise ConfigurationError(f"there is no configuration file {self._path}; correct the path") from None
        except OSError as error:
            raise ConfigurationError(f"cannot read the configuration file {self._path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{self._path}: not UTF-8 text; save the file as UTF-8") from None
        except (ValueError, RecursionError) as error:  # tomllib lets those of int() and deep nesting through
            advice = "look for a missing quote or bracket, or a key that is there twice"
            raise _error(f"{self._path}: not TOML: {error}; {advice}") from None

    def _section(self, section: type[S], tree: object, place: Place) -> S:
        if not isinstance(tree, dict):
            raise self._in_file((), f"{place[-1]} must be a section: write [{'.'.join(map(str, place))}]")
        for key in tree:
            if key not in keys(section):
                raise self._in_file(place, _unknown(section, key))
        values: dict[str, object] = {}
        for key, options in kinds(section).items():
            if Secret in options:
                if key in tree or f"{key}_file" in tree:
                    values[key] = self._secret(tree, key, place)
            elif key in tree:
                values[key] = self._value(_fitting(options, tree[key]), tree[key], (*place, key))
        missing = [field.name for field in structs.fields(section) if field.required and field.name not in values]
        if missing:
            raise self._together(place, f"needs {' and '.join(missing)}")
        try:
            return section(**values)
        except ValueError as error:
            raise self._together(place, str(error)) from None

    def _value(self, kind: Any, value: object, place: Place) -> object:  # noqa: ANN401  a type annotation has no type
        if is_section(kind):
            return self._section(kind, value, place)
        if is_list(kind):
            return self._list(get_args(kind)[0], value, place)
        return self._single(kind, value, place)

    def _list(self, kind: Any, value: object, place: Place) -> tuple[object, ...]:  # noqa: ANN401  as above
        name = place[-1]
        if isinstance(value, list):
            return tuple(self._value(kind, item, (*place, number)) for number, item in enumerate(value))
        if is_section(kind):
            raise self._in_file((), f"there can be several of [{name}]: write [[{name}]], with two brackets")
        raise self._in_file(place[:-1], f'{name} must be a list, for example {name} = ["..."]')

    def _single(self, kind: Any, value: object, place: Place) -> object:  # noqa: ANN401  as above
        plain, key = _described(kind)
        try:
            converted = _converted(plain, value)
            return key.read(self._absolute(str(converted)) if key.is_path else converted)
        except ValueError:
            raise self._wrong(key, value, place) from None

    def _absolute(self, text: str) -> str:
        """The path as it can be opened. Raises ValueError for a variable that is not set."""
        try:
            return str(self._folder / Template(text).substitute(self._environ))
        except KeyError:
            raise ValueError from None

    def _secret(self, tree: dict[str, object], key: str, place: Place) -> Secret:
        """The secret from the section itself, or from the file that `x_file` names; hidden in logs from now on."""
        in_file = f"{key}_file" in tree
        if key in tree and in_file:
            raise self._together(place, f"has both {key} and {key}_file; take one of them away")
        inline = tree.get(key)
        text = self._content(f"{key}_file", _plain(tree[f"{key}_file"]), place) if in_file else _plain(inline)
        if self._path and isinstance(inline, str):
            self.secret_files.add(self._path)
        if not isinstance(text, str):
            raise self._in_file(place, f"{key} must be text between quotes")
        hide(text)
        if not text or not text.isprintable():
            raise self._together(place, f"{key} must be one line of text that is not empty")
        return Secret(text)

    def _content(self, key: str, name: object, place: Place) -> str:
        """The text of a secret file without the newline at its end."""
        if not isinstance(name, str):
            raise self._in_file(place, f'{key} must be a path between quotes, for example "/run/secrets/{key}"')
        try:
            path = Path(self._absolute(name))
        except ValueError:
            raise self._together(place, f"{key}: the environment does not have the variable in {name}") from None
        try:
            with path.open("rb") as file:
                text = file.read(LONGEST_SECRET).decode().rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise self._together(place, f"{key}: cannot read {path}: {reason}") from None
        if not text:
            raise self._together(place, f"{key}: {path} is empty; write the secret into it")
        self.secret_files.add(path)
        return text

    def _wrong(self, key: Key, value: object, place: Place) -> ConfigurationError:
        """The error for a value that is not what its key wants."""
        shown, wanted, example = _shown(value), key.wanted, key.example
        if isinstance(value, Variable):
            example = example.replace('"', "")  # a shell's quotes are its own affair
            return _error(f"environment: {value.name} is {shown}; it must be {wanted}, for example {example}")
        table, name = (
            (place[:-2], f"{place[-2]}[{place[-1]}]") if isinstance(place[-1], int) else (place[:-1], place[-1])
        )
        return self._in_file(table, f"{name} is {shown}; it must be {wanted}, for example {name} = {example}")

    def _in_file(self, place: Place, text: str) -> ConfigurationError:
        return _error(f"{self._path}: {_heading(place)}{text}")

    def _together(self, place: Place, text: str) -> ConfigurationError:
        """The error for keys each of which may come from the file or from the environment."""
        sources = [str(self._path)] if self._path else []
        sources += ["environment"] if any(name.startswith(PREFIX) for name in self._environ) else []
        return _error(f"{' and '.join(sources)}: {_heading(place)}{text}")


def _error(text: str) -> ConfigurationError:
    """One line, without secrets: what a user wrote may have line breaks, and a password in the wrong place."""
    return ConfigurationError(redact(text).replace("\n", "\\n"))


def _fitting(options: tuple[Any, ...], value: object) -> Any:  # noqa: ANN401  as above
    """Of the types that a key may have, the one that this value is meant to be."""
    tables = [option for option in options if is_section(option)]
    return tables[0] if tables and (isinstance(value, dict) or len(options) == 1) else options[0]


def _described(kind: Any) -> tuple[Any, Key]:  # noqa: ANN401  as above
    """The plain type of a single value, and what is wanted of it."""
    if get_origin(kind) is Annotated:
        plain, key = get_args(kind)
        return plain, key
    if get_origin(kind) is Literal:
        words = [f'"{word}"' for word in get_args(kind)]
        return kind, Key(f"one of {', '.join(words)}", words[0], as_it_is)
    return kind, Key("true or false", "true", as_it_is)


def _converted(kind: Any, value: object) -> Any:  # noqa: ANN401  as above
    """The value as that type. Only what comes from the environment may be text for a number. Raises ValueError."""
    if isinstance(value, Variable):
        return msgspec.convert(value.text, kind, strict=False, dec_hook=_parsed)
    if get_origin(kind) is Literal and isinstance(value, int):
        value = str(value)  # protocol = 5
    return msgspec.convert(value, kind, dec_hook=_parsed)


def _parsed(kind: type[Duration | Size], value: object) -> Duration | Size:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004  msgspec makes the same of both
    return kind.parse(value)


def _heading(place: Place) -> str:
    """The section as it stands in the file: `[mqtt] `, `[cloud.tigo] `, `[[gateway]] no. 2 `; empty for none."""
    if not place:
        return ""
    if isinstance(place[-1], int):
        return f"[[{place[0]}]] no. {place[-1] + 1} "
    return f"[{'.'.join(map(str, place))}] "


def _unknown(section: type[Section], key: str) -> str:
    """What to say about a key that the section does not have."""
    similar = nearest(key, keys(section))
    homes = [_section_name(name, options[0]) for name, options in kinds(Config).items() if key in _keys_in(options[0])]
    if similar:
        advice = f'did you mean "{similar}"?'
    elif homes:
        advice = f"it belongs in {' or '.join(homes)}"
    else:
        advice = f"the keys are {', '.join(keys(section))}"
    return f'{"there is" if section is Config else "has"} no key "{key}"; {advice}'


def _keys_in(kind: Any) -> list[str]:  # noqa: ANN401  as above
    return keys(get_args(kind)[0] if is_list(kind) else kind)


def _section_name(name: str, kind: Any) -> str:  # noqa: ANN401  as above
    return f"[[{name}]]" if is_list(kind) else f"[{name}]"


def _plain(value: object) -> object:
    return value.text if isinstance(value, Variable) else value


def _shown(value: object) -> str:
    """A value of the file in an error: never a whole table, never more than a line can bear."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    value = _plain(value)
    text = redact(json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else str(value))
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
