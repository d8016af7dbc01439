"""cfn-lint on the packaged templates and on the CloudFormation that SAM transforms them into."""

import json
from collections.abc import Callable

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.context import ParameterSet

from infra.deploy import STAGES, read_parameters
from tests.infra.packaged import Template, packaged_template, transformed_template

ACCEPTED = {
    # The package is pinned to its stage while the source serves every stage, so one branch is unreachable.
    "prod": ["W1028 Resources/Table/Properties/DeletionProtectionEnabled/Fn::If/2"],
}
"""Accepted findings by stage. The test fails as well if cfn-lint stops reporting one."""


def findings(template: Template, stage: str) -> list[str]:
    """Lint a template with the parameters of a stage. Returns errors, warnings and hints as `<rule> <path>`.

    cfn-lint drops the parameters when it transforms a SAM template itself; it checks them in CloudFormation only.
    """
    parameters = ParameterSet(parameters=read_parameters(stage) | {"Stage": stage})
    settings = ManualArgs(include_checks=["I"], parameters=[parameters])
    matches = lint(json.dumps(template), config=settings)
    return sorted({f"{match.rule.id} {'/'.join(map(str, getattr(match, 'path', [])))}" for match in matches})


# The templates of the stages differ in the stage's name and in the parameters only, and to lint one takes seconds.
@pytest.mark.parametrize(("stage", "made"), [("test", packaged_template), ("prod", transformed_template)])
def test_lint_of_a_stage_finds_what_is_accepted(stage: str, made: Callable[[str], Template]) -> None:
    assert findings(made(stage), stage) == ACCEPTED.get(stage, [])


@pytest.mark.parametrize("stage", STAGES)
def test_lint_of_the_parameters_of_a_stage_finds_nothing(stage: str) -> None:
    found = findings(part_of(transformed_template(stage), "Sweep"), stage)
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
