"""`evenfall doctor --security`: check who else could read a workspace, change it, or make it run other code."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flows.doctor.bucket import review_bucket
from flows.doctor.findings import Diagnosis, ok, problem, warning
from lake.environment_variables import VARIABLE
from lake.errors import EvenfallError, ExitCode
from lake.storage.bucket import Bucket
from runtime.file_access import OWN_FOLDERS
from runtime.settings import CONFIGURATION_FILE, load_settings
from runtime.workspace import Workspace

_OTHERS_READ: Final = stat.S_IROTH
_OTHERS_WRITE: Final = stat.S_IWOTH
_PRIVATE: Final = (".evenfall/erasure.key",)
_PERSONAL: Final = (*OWN_FOLDERS, "mlflow.db")
_MODEL_FOLDERS: Final = ("mlartifacts", "mlruns")
_PICKLE_NAMES: Final = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle")
# Pickles of protocols 2 to 5 begin with the byte 0x80 and the protocol, and end with the opcode STOP, a full stop.
_PICKLE_BEGINS: Final = re.compile(rb"\x80[\x02-\x05]")
_PICKLE_ENDS: Final = b"."
_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1", "")
_EVERYWHERE: Final = ("0.0.0.0", "::", "*")  # noqa: S104 - looked for, not bound to
_SERVERS: Final = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_REGISTRY_URI",
    "PREFECT_API_URL",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
)
_BOUND_TO: Final = ("PREFECT_SERVER_API_HOST", "MLFLOW_HOST")
_SECRET_PARAMETER: Final = re.compile(r"(?i)(?:pass(?:word|wd)?|token|secret|api[_-]?key|signature)=([^&\s]+)")
# A stretch of an address this long that mixes letters and digits is not a name somebody chose.
_TOKEN: Final = re.compile(r"(?=[^/?#]*\d)(?=[^/?#]*[A-Za-z])[A-Za-z0-9_-]{20,}")
_NAMED: Final = 3


def review(root: Path) -> Iterator[Diagnosis]:
    """Check what other users of the machine could read or change; names files and keys, never a secret.

    Args:
        root: The folder with `evenfall.toml`.
    """
    lake = _lake(root)
    elsewhere = [lake] if isinstance(lake, Path) and not lake.is_relative_to(root) else []
    says = "nobody else may change the workspace or read what is personal"
    yield from _or_ok("permissions", says, _permissions(root, elsewhere))
    if isinstance(lake, Bucket):
        yield from review_bucket(lake)
    yield from _or_ok("secrets", f"none is written in {CONFIGURATION_FILE}", _secrets_in_configuration(root))
    yield from _or_ok("servers", "none that is reached without encryption or open to the network", _servers())
    yield from _or_ok("pickles", "none; Evenfall never loads one", _pickles(root))
    yield from _or_ok("links", "none leads out of the workspace", _links(root))


def _or_ok(about: str, says: str, findings: Iterable[Diagnosis]) -> Iterator[Diagnosis]:
    diagnoses = list(findings)
    yield from diagnoses or [ok(about, says)]


def _lake(root: Path) -> Path | Bucket:
    """Return where the lake is: as configured, or at its default path where the configuration cannot be read."""
    try:
        return Workspace(root, load_settings(root).lake.path).lake.root
    except EvenfallError:
        return Workspace(root).lake.root


def _permissions(root: Path, elsewhere: list[Path]) -> Iterator[Diagnosis]:
    if not root.exists():
        return
    config = root / CONFIGURATION_FILE
    written = [path for path in (root, config, *_existing(root, (*OWN_FOLDERS, "mlflow.db"))) if others_may(path, _OTHERS_WRITE)]
    written += [path for path in _below(root, ("lake", "lists", "mlartifacts")) if others_may(path, _OTHERS_WRITE)]
    written += [path for lake in elsewhere for path in (lake, *_everything(lake)) if others_may(path, _OTHERS_WRITE)]
    if written:
        remedy = f"chmod -R o-w {root}"
        yield problem("permissions", f"anybody may change {_names(written, root)}", remedy, exit_code=ExitCode.CONFIGURATION)
    keys = [path for path in _existing(root, _PRIVATE) if _is_open(path)]
    if keys:
        says = f"others may read {_names(keys, root)}, with which erased members can be recognised"
        yield problem("permissions", says, f"chmod 600 {keys[0]}", exit_code=ExitCode.CONFIGURATION)
    read = [path for path in (*_existing(root, _PERSONAL), *elsewhere) if others_may(path, _OTHERS_READ)]
    if read:
        says = f"anybody on this machine may read {_names(read, root)}: they name members"
        remedy = f"Run a night, which closes what it has written; or chmod o-rwx {root}."
        yield warning("permissions", says, remedy)
    if config.exists() and others_may(config, _OTHERS_READ) and list(_secrets_in_configuration(root)):
        yield problem(
            "permissions",
            f"anybody may read {CONFIGURATION_FILE}, which holds a secret",
            f"chmod 600 {config}",
            exit_code=ExitCode.CONFIGURATION,
        )


def others_may(path: Path, bit: int) -> bool:
    """Return whether users who are neither owner nor in the group have a right to a file, and can reach its folder.

    Args:
        path: The file or folder.
        bit: The right, such as `stat.S_IROTH`.
    """
    try:
        return bool(path.stat().st_mode & bit) and all(folder.stat().st_mode & stat.S_IXOTH for folder in path.absolute().parents)
    except OSError:
        return False


def _is_open(path: Path) -> bool:
    """Return whether the group or others have any right to a file that is for its owner alone."""
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _secrets_in_configuration(root: Path) -> Iterator[Diagnosis]:
    try:
        raw = tomllib.loads((root / CONFIGURATION_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        yield problem(
            "secrets",
            f"{CONFIGURATION_FILE} cannot be read: {type(error).__name__}",
            "Correct it.",
            exit_code=ExitCode.CONFIGURATION,
        )
        return
    for key, text in _texts(raw):
        what = _secret_in(text)
        if what:
            remedy = "Write ${NAME} instead, set NAME where Evenfall runs, and change the secret: it has been in a file."
            yield problem("secrets", f"{key} in {CONFIGURATION_FILE} holds {what}", remedy, exit_code=ExitCode.CONFIGURATION)


def _secret_in(text: str) -> str | None:
    plain = VARIABLE.sub("", text)
    if "://" not in plain:
        return "a password" if _SECRET_PARAMETER.search(plain) else None
    if _password(plain):
        return "a password"
    if _SECRET_PARAMETER.search(plain):
        return "a secret parameter"
    return "what looks like a token" if plain.startswith("http") and _TOKEN.search(plain.partition("://")[2]) else None


def _servers() -> Iterator[Diagnosis]:
    for name in _SERVERS:
        address = os.environ.get(name, "")
        if _password(address):
            says = f"{name} holds a password, which every process of this user can read"
            yield warning(
                "servers", says, "Give it through a service file that only its owner may read, or the server's own login."
            )
        host = _host(address)
        if address.startswith("http://") and host not in _LOCAL_HOSTS:
            says = f"{name} is reached without encryption: http://{host}"
            yield problem("servers", says, "Use https, or a tunnel to localhost.", exit_code=ExitCode.CONFIGURATION)
    for name in _BOUND_TO:
        if os.environ.get(name, "") in _EVERYWHERE and name in os.environ:
            says = f"{name} opens that server to the whole network, without a login of its own"
            yield problem(
                "servers", says, f"Unset {name}, and put a server with a login in front.", exit_code=ExitCode.CONFIGURATION
            )


def _pickles(root: Path) -> Iterator[Diagnosis]:
    # Loading a pickle can run code of whoever wrote it.
    pickles = [path for path in _files(root) if is_pickle(path)]
    in_models = [path for path in pickles if path.relative_to(root).parts[0] in _MODEL_FOLDERS]
    if in_models:
        says = f"among the models, where Evenfall puts none: {_names(in_models, root)}"
        yield problem("pickles", says, "Find out who put it there; do not open it. Remove it.", exit_code=ExitCode.CONFIGURATION)
    others = [path for path in pickles if path not in in_models]
    if others:
        says = f"{_names(others, root)}; Evenfall never loads one, but whoever does runs what is in it"
        yield warning("pickles", says, "Remove them, or keep them elsewhere.")


def is_pickle(path: Path) -> bool:
    """Return whether a file is a pickle, by its name or its first and last bytes; it is never unpickled."""
    if path.suffix.lower() in _PICKLE_NAMES:
        return True
    try:
        with path.open("rb") as stream:
            if not _PICKLE_BEGINS.match(stream.read(2)):
                return False
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) == _PICKLE_ENDS
    except OSError:
        return False


def _links(root: Path) -> Iterator[Diagnosis]:
    leading_out = [path for path in _everything(root) if path.is_symlink() and not path.resolve().is_relative_to(root)]
    own = [path for path in leading_out if path.relative_to(root).parts[0] in (*OWN_FOLDERS, "mlflow.db")]
    if own:
        says = f"what Evenfall writes would land elsewhere: {_names(own, root)}"
        yield problem(
            "links", says, "Replace the link by a folder, or move the workspace there.", exit_code=ExitCode.CONFIGURATION
        )
    others = [path for path in leading_out if path not in own]
    if others:
        says = f"{_names(others, root)}: whoever may write there feeds the night"
        yield warning("links", says, "Make sure of who may write there, or name the place in `path` instead.")


def _everything(root: Path) -> Iterator[Path]:
    """Yield the files, folders and links below a folder, sorted; links are not followed."""
    for folder, folders, files in os.walk(root, followlinks=False):
        folders.sort()
        yield from (Path(folder) / name for name in sorted((*folders, *files)))


def _files(root: Path) -> Iterator[Path]:
    return (path for path in _everything(root) if not path.is_symlink() and path.is_file())


def _existing(root: Path, names: Iterable[str]) -> list[Path]:
    return [root / name for name in names if (root / name).exists()]


def _below(root: Path, names: Iterable[str]) -> Iterator[Path]:
    return (path for folder in _existing(root, names) for path in _everything(folder) if not path.is_symlink())


def _names(paths: list[Path], root: Path) -> str:
    shown = [str(path.relative_to(root) if path != root and path.is_relative_to(root) else path) for path in paths[:_NAMED]]
    more = len(paths) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a configuration with its key, such as `sources.orders[1].uri`."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from _texts(inner, f"{key}[{number}]")


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""
