"""Keeps optional imports of libraries out of memory."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Imports inside find these modules absent, as if they were not installed. Loaded ones stay as they are."""
    hidden = [name for name in modules if name not in sys.modules]
    # None is how the import system itself marks a module that must not be imported.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # typeshed leaves the None out
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
