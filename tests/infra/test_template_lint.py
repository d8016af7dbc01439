"""cfn-lint on the packaged templates and on the CloudFormation that SAM transforms them into."""

import json
from collections.abc import Callable
from functools import cache

import pytest
from cfnlint.config import ConfigMixIn, ManualArgs
from cfnlint.context import ParameterSet
from cfnlint.decode.decode import decode_str
from cfnlint.helpers import REGION_PRIMARY
from cfnlint.rules import Rules
from cfnlint.runner import Runner, run_template_by_data

from infra.deploy import read_parameters
from tests.infra.packaged import Template, packaged_template, transformed_template


def findings(template: Template, stage: str) -> list[str]:
    """Lint a template with the parameters of a stage. Returns errors, warnings and hints as `<rule> <path>`.

    cfn-lint drops the parameters when it transforms a SAM template itself; it checks them in CloudFormation only.
    """
    parameters = ParameterSet(parameters=read_parameters(stage) | {"Stage": stage})
    config = ConfigMixIn(**ManualArgs(include_checks=["I"], parameters=[parameters], regions=[REGION_PRIMARY]))
    decoded, errors = decode_str(json.dumps(template))
    assert not errors
    matches = run_template_by_data(decoded, config, all_rules())
    return sorted({f"{match.rule.id} {'/'.join(map(str, getattr(match, 'path', [])))}" for match in matches})


@cache
def all_rules() -> Rules:
    """Read the rules once, as the command does for several templates: it takes longer than to lint a small one."""
    rules: Rules = Runner(ConfigMixIn()).rules
    return rules


# The templates of the stages differ in the stage's name and in the parameters only, and to lint one takes seconds.
@pytest.mark.parametrize(("stage", "made"), [("test", packaged_template), ("prod", transformed_template)])
def test_lint_of_a_stage_finds_nothing(stage: str, made: Callable[[str], Template]) -> None:
    assert findings(made(stage), stage) == []


def test_lint_of_the_parameters_of_the_other_stage_finds_nothing() -> None:
    """cfn-lint checks parameters in the transformed template only, which is linted for prod."""
    found = findings(part_of(transformed_template("test"), "Sweep"), "test")
    assert [each for each in found if each.startswith("E2")] == []


def test_lint_of_faults_in_the_packaged_template_finds_each() -> None:
    bad = part_of(packaged_template("test"), "Table", "Sweep", "AlarmMail", "RedriveQueue")
    table = bad["Resources"]["Table"]["Properties"]
    table["BilingMode"] = table.pop("BillingMode")
    sweep = bad["Resources"]["Sweep"]["Properties"]
    sweep["Handlr"] = sweep.pop("Handler")
    bad["Resources"]["AlarmMail"]["Properties"]["TopicArn"] = {"Ref": "AlarmTopik"}
    del bad["Resources"]["RedriveQueue"]["DeletionPolicy"]
    assert {
        "E3002 Resources/Table/Properties/BilingMode",
        "E3002 Resources/Sweep/Properties/Handlr",
        "E1020 Resources/AlarmMail/Properties/TopicArn/Ref",
        "I3011 Resources/RedriveQueue",
    } <= set(findings(bad, "test"))


def test_lint_of_faults_in_the_transformed_template_finds_each() -> None:
    bad = part_of(transformed_template("test"), "Sweep")
    bad["Resources"]["Sweep"]["Properties"]["Role"] = {"Fn::GetAtt": ["SweepRoll", "Arn"]}
    bad["Parameters"]["TokenAudience"]["AllowedValues"] = ["another"]
    assert {
        "E1010 Resources/Sweep/Properties/Role/Fn::GetAtt/0",
        "E2900 Parameters/TokenAudience",
    } <= set(findings(bad, "test"))


def part_of(template: Template, *resources: str) -> Template:
    """Copy a template with some of its resources: to lint all of them takes seconds."""
    copied: Template = json.loads(json.dumps(template))
    copied["Resources"] = {name: copied["Resources"][name] for name in resources}
    return copied
