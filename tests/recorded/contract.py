"""Names that others rely on, read from the template, and the OpenAPI document without its prose."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from tests.recorded.backends import ROOT, template

_PROSE = frozenset({"summary", "description", "title", "example", "examples"})
_LONG = 160


def names() -> dict[str, Any]:
    """Names of settings, parameters, outputs, alarms and the metrics that alarms use."""
    merged = template()
    resources: Mapping[str, Mapping[str, Any]] = merged["Resources"]
    stages = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]
    of_stage = {name for stage in stages.values() for name in stage.get("environment_variables", {})}
    alarms = {name: each for name, each in resources.items() if each.get("Type") == "AWS::CloudWatch::Alarm"}
    return {
        "settings": sorted(of_stage | set(merged["Globals"]["Function"]["Environment"]["Variables"])),
        "parameters": sorted(merged["Parameters"]),
        "outputs": sorted(merged.get("Outputs", {})),
        "resources": {name: each["Type"] for name, each in sorted(resources.items()) if "Type" in each},
        "alarms": {
            name: {"name": each["Properties"].get("AlarmName"), "metrics": _metrics(each)}
            for name, each in sorted(alarms.items())
        },
        "filters": {
            name: each["Properties"]["FilterPattern"]
            for name, each in sorted(resources.items())
            if each.get("Type") == "AWS::Logs::MetricFilter"
        },
    }


def _metrics(value: Any) -> list[str]:
    """Every metric name in an alarm, those of its expressions included."""
    if isinstance(value, Mapping):
        own = [value["MetricName"]] if isinstance(value.get("MetricName"), str) else []
        return sorted({*own, *(name for each in value.values() for name in _metrics(each))})
    if isinstance(value, list):
        return sorted({name for each in value for name in _metrics(each)})
    return []


def metrics(output: str) -> list[str]:
    """Names of the metrics that functions wrote, as namespace, dimensions, name."""
    found = set()
    for line in output.splitlines():
        if '"_aws"' not in line:
            continue
        for group in json.loads(line)["_aws"]["CloudWatchMetrics"]:
            dimensions = ",".join(sorted({name for each in group["Dimensions"] for name in each}))
            found |= {f"{group['Namespace']} {dimensions} {metric['Name']}" for metric in group["Metrics"]}
    return sorted(found)


def openapi(document: Mapping[str, Any]) -> dict[str, Any]:
    """Drop prose, resolve references, and write each longer schema once, under a name made of its content."""
    shared: dict[str, Any] = {}
    plain = _resolved(document, document, shared, named=False)
    plain.pop("info", None)
    plain.get("components", {}).pop("schemas", None)
    plain.get("components", {}).pop("responses", None)
    return {"document": plain, "shared": dict(sorted(shared.items()))}


def expanded(contract: Mapping[str, Any]) -> Any:
    """Write each shared schema where it is used, and required names as a mapping, so that a place says what changed."""
    return _expanded(contract["document"], contract["shared"])


def _expanded(value: Any, shared: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_expanded(each, shared) for each in value]
    if not isinstance(value, Mapping):
        return value
    if "same as" in value:
        return _expanded(shared[value["same as"]], shared)
    whole = {key: _expanded(each, shared) for key, each in value.items()}
    if isinstance(whole.get("properties"), Mapping):
        whole["required"] = dict.fromkeys(whole.get("required", ()), "")
    return whole


def _resolved(value: Any, document: Mapping[str, Any], shared: dict[str, Any], *, named: bool) -> Any:
    """Args: named: the keys of `value` are names, like those of properties, not keywords."""
    if isinstance(value, list):
        return [_resolved(each, document, shared, named=False) for each in value]
    if not isinstance(value, Mapping):
        return value
    if isinstance(value.get("$ref"), str) and not named:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        return _resolved(target, document, shared, named=False)
    kept = {
        key: _resolved(each, document, shared, named=key in {"properties", "schemas", "paths"} and not named)
        for key, each in sorted(value.items())
        if named or key not in _PROSE or not isinstance(each, str | list | Mapping)
    }
    content = json.dumps(kept, sort_keys=True)
    is_schema = not named and ("type" in kept or "anyOf" in kept or "content" in kept) and "responses" not in kept
    if not is_schema or len(content) < _LONG:
        return kept
    digest = sha256(content.encode()).hexdigest()[:12]
    shared[digest] = kept
    return {"same as": digest}
