"""The API has one public stage. SAM adds a second one called `Stage` unless the template sets OpenApiVersion."""

import json
import re

import pytest

from infra.package import STAGES
from tests.infra.packaged import Template, of_type, packaged_template, transformed_template


@pytest.mark.parametrize("stage", STAGES)
def test_api_has_one_deployment_and_one_stage(stage: str) -> None:
    document = transformed_template(stage)
    [(deployment, deployed)] = of_type(document, "AWS::ApiGateway::Deployment").items()
    [api_stage] = of_type(document, "AWS::ApiGateway::Stage").values()
    # A deployment that has a StageName creates a second stage.
    assert set(deployed) == {"Description", "RestApiId"}
    assert api_stage["DeploymentId"] == {"Ref": deployment}
    assert api_stage["RestApiId"] == deployed["RestApiId"] == {"Ref": "RestAPI"}
    assert api_stage["StageName"] == stage


def test_stage_throttles_every_method(transformed: Template) -> None:
    [stage] = of_type(transformed, "AWS::ApiGateway::Stage").values()
    assert stage["TracingEnabled"] is True
    assert stage["MethodSettings"] == [
        {
            "ResourcePath": "/*",
            "HttpMethod": "*",
            "MetricsEnabled": True,
            "ThrottlingRateLimit": {"Ref": "ThrottleRate"},
            "ThrottlingBurstLimit": {"Ref": "ThrottleBurst"},
        }
    ]


def test_long_responses_are_compressed(transformed: Template) -> None:
    [api] = of_type(transformed, "AWS::ApiGateway::RestApi").values()
    assert api["MinimumCompressionSize"] == 1024


@pytest.mark.parametrize("name", ["ApiErrorAlarm", "ApiLatencyAlarm"])
def test_alarms_and_output_name_the_stage(transformed: Template, name: str) -> None:
    [stage] = of_type(transformed, "AWS::ApiGateway::Stage").values()
    # `Ref: Stage` is the parameter, which packaging pins to the name of the one stage.
    assert transformed["Parameters"]["Stage"]["AllowedValues"] == [stage["StageName"]]
    alarm = transformed["Resources"][name]["Properties"]
    assert {"Name": "Stage", "Value": {"Ref": "Stage"}} in alarm["Dimensions"]
    assert transformed["Outputs"]["ApiUrl"]["Value"]["Fn::Sub"].endswith("/${Stage}")


@pytest.mark.parametrize("stage", STAGES)
def test_every_path_has_options_and_head_beside_get(stage: str) -> None:
    """Without a method of its own API Gateway answers a preflight or a HEAD itself, with an error."""
    paths = packaged_template(stage)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    assert len(paths) > 30
    for path, methods in paths.items():
        served = {name for name in methods if not name.startswith("x-")}
        assert "options" in served, path
        assert ("head" in served) is ("get" in served), path
        integrations = {json.dumps(methods[name]["x-amazon-apigateway-integration"]) for name in served}
        assert len(integrations) == 1, path
        assert '"type": "aws_proxy"' in integrations.pop(), path


def test_allowed_return_origins_are_a_parameter(template: Template) -> None:
    parameter = template["Parameters"]["AllowedReturnOrigins"]
    assert parameter["Default"] == ""
    for value in ("", "https://live.example", "https://live.example, http://localhost:3000"):
        assert re.fullmatch(parameter["AllowedPattern"], value)
    for value in ("*", "live.example", "https://live.example/", "https://live.example,"):
        assert not re.fullmatch(parameter["AllowedPattern"], value)


def test_allowed_origins_are_a_parameter(template: Template) -> None:
    parameter = template["Parameters"]["AllowedOrigins"]
    assert parameter["Default"] == "*"
    for value in ("*", "https://shop.example", "https://shop.example, http://localhost:3000"):
        assert re.fullmatch(parameter["AllowedPattern"], value)
    for value in ("", "shop.example", "https://shop.example/", "*, https://shop.example"):
        assert not re.fullmatch(parameter["AllowedPattern"], value)
