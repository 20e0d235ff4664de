# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each rule about input takes the values that AWS and Kubernetes take, and says why it refuses others."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import RULES, objections, require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError

CONTRACT = {"cluster": "shop", "namespace": "shop", "service": "vpclink"}
ACCOUNT = "arn:aws:iam::123456789012:root"
ROLE = "arn:aws:iam::123456789012:role/infra"


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("access_entries", [{"principal_arn": ROLE, "policies": []}]),
        ("access_entries", [{"principal_arn": ROLE, "kubernetes_groups": ["team-a"]}]),
        ("api_calls", []),
        ("api_calls", [{}, {"method": "PUT", "path": "/pet", "body": {"id": 1}, "query": {"a": 1}, "status": "201"}]),
        ("api_name", "shop of team-a"),
        ("api_name", "s"),
        ("api_paths", {"/": "/health", "/pet/{id}": "/pets/{id}"}),
        ("api_pattern", "dev-*"),
        ("backends", [{}, {"path_prefix": "/user", "namespace": "users", "base_path": "", "service": None}]),
        ({"between": [1, 10]}, 10),
        ({"between": [1, 10]}, "1"),
        ("cidrs", ["203.0.113.0/24", "2001:db8::/32"]),
        ("cluster_name", "a" * 100),
        ("cluster_security_group_ids", ["sg-0a1b"] * 5),
        ("cluster_subnet_ids", ["subnet-0a1b", "subnet-2c3d"]),
        ("container_image", "swaggerapi/petstore3:unstable"),
        ("container_image", "localhost/petstore"),
        ("container_image", "Registry:5000/petstore"),
        ("container_image", f"registry.example:5000/a__b/c-d@sha256:{'0' * 64}"),
        ("contract", CONTRACT),
        ({"exposed": ["http", 8080]}, 8080),
        ("http_path", "/api/v3/openapi.json"),
        ({"optional": "service"}, ""),
        ({"optional": "service"}, "vpclink"),
        ("iam_role_name", "shop-cluster"),
        ("kubernetes_version", "1.36"),
        ("kubernetes_version", 1.36),
        ("limits", {"rate_limit": 0.5, "burst_limit": 1}),
        ("mapping", {}),
        ("namespace", "1-shop"),
        ("not_negative", 0),
        ({"one_of": ["1", "2"]}, 2),
        ("ownership_tags", {"seam.eks_auto/api": "petstore"}),
        ("policy_arn", "arn:aws:iam::aws:policy/PowerUserAccess"),
        ("policy_arn", "arn:aws:iam::123456789012:policy/boundaries/teams"),
        ("port", "65535"),
        ("positive", 0.5),
        ("principal_arn", "arn:aws-cn:iam::123456789012:user/anna"),
        ("public_cidrs", ["0.0.0.0/0", "8.8.8.0/24", "2600:1f00::/24", "8.0.0.0/6"]),
        ("role_arn", ROLE),
        ("seconds", 0),
        ("security_group_ids", ["sg-0a1b"]),
        ("service", "vpclink"),
        ("stage_name", "prod"),
        ("stage_variables", {"vpcLinkId": "l1", "port": 80}),
        ("subnet_ids", []),
        ("tags", {"Größe": "1 + 1 = 2", "team": 7}),
        ("timeout", "600"),
        ("url_format", "https://{api_id}.execute-api.{region}.{dns_suffix}/{stage}"),
        ("url_format", "http://127.0.0.1:4566/{api_id}"),
        ("vpc_id", "vpc-0a1b"),
        ("zone_names", ["us-west-2a", "us-gov-west-1b", "us-west-2-lax-1a"]),
        ("cluster_pattern", "dev-*"),
        ("iam_path", "/"),
        ("iam_path", "/teams/"),
        ("principal_patterns", ["arn:aws:iam::123456789012:role/team-*"]),
        ("team_names", {"infra": "seam-infra", "k8s": "seam-k8s"}),
        ("team_trust", {"infra": [ROLE, ACCOUNT], "k8s": [ACCOUNT]}),
    ],
)
def test_a_rule_takes(rule: Any, value: Any) -> None:
    assert objections({"given": value}, {"given": rule}) == []


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        ("access_entries", [{"policies": []}], "{'policies': []} has no principal_arn."),
        ("access_entries", [ROLE], "has no principal_arn."),
        (
            "access_entries",
            [{"principal_arn": "infra"}],
            "principal_arn: 'infra' is not the ARN of an IAM role or user.",
        ),
        ("access_entries", [{"principal_arn": ROLE}] * 2, f"{ROLE} is listed more than once."),
        (
            "access_entries",
            [{"principal_arn": ROLE, "kubernetes_groups": ["system:masters"]}],
            "kubernetes_groups: 'system:masters' is no group that EKS takes",
        ),
        ("api_calls", "/pet", "is no list of requests."),
        ("api_calls", ["/pet"], "'/pet' is no request: a mapping with any of method"),
        ("api_calls", [{"url": "/pet"}], "a request has no 'url', only method"),
        ("api_calls", [{"method": "FETCH"}], "method: 'FETCH' is not one of DELETE, GET"),
        ("api_calls", [{"path": "pet"}], "path: 'pet' is no path"),
        ("api_calls", [{"query": "a=1"}], "query: 'a=1' is no mapping."),
        ("api_calls", [{"status": 20}], "status: 20 is not between 100 and 599."),
        ("api_name", "", "'' is no name for an API: 1 to 128"),
        ("api_name", " ", "no space first or last"),
        ("api_name", "shop\n", "is no name for an API"),
        ("api_name", "shop!", "is no name for an API"),
        ("api_name", "a" * 129, "1 to 128"),
        ("api_paths", {"pet": "/pet"}, "'pet' is no path"),
        ("api_paths", {"/pet": "pet"}, "'pet' is no path"),
        ("api_paths", {"/pet": "/pet?all=1"}, "no query"),
        ("api_pattern", "", "'' is no name of an API"),
        ("backends", [], "is no list of backends. Name at least one"),
        ("backends", ["shop"], "'shop' is no backend: a mapping with any of namespace"),
        ("backends", [{"prefix": "/user"}], "a backend has no 'prefix', only namespace"),
        ("backends", [{"namespace": "Shop"}], "namespace: 'Shop' is no name for a namespace"),
        ("backends", [{"service": "1st"}], "service: '1st' is no name for a Service"),
        ("backends", [{"port": 65536}], "port: 65536 is no port"),
        ("backends", [{"path_prefix": "user"}], "path_prefix: 'user' is no path"),
        ("backends", [{"base_path": "/v1?all=1"}], "base_path: '/v1?all=1' is no path"),
        ("backends", [{"path_prefix": "/a/"}, {"path_prefix": "/a"}], "several have the path_prefix /a."),
        ({"between": [1, 10]}, 0, "0 is not between 1 and 10."),
        ({"between": [1, 10]}, True, "True is not between"),
        ({"between": [1, 10]}, "many", "'many' is not between"),
        ("cidrs", ["203.0.113.0/24", "203.0.113.1/24"], "'203.0.113.1/24' is no CIDR block"),
        ("cluster_name", "shop\n", "'shop\\n' is no name for an EKS cluster"),
        ("cluster_name", "a" * 101, "1 to 100 letters"),
        ("cluster_name", 7, "7 is no name for an EKS cluster"),
        ("cluster_security_group_ids", ["sg-0a1b"] * 6, "EKS takes at most five security groups."),
        ("cluster_security_group_ids", ["default"], "'default' is no id (sg-...)."),
        ("cluster_subnet_ids", ["subnet-0a1b", "subnet-0a1b"], "EKS needs at least two subnets"),
        ("cluster_subnet_ids", ["vpc-0a1b"], "'vpc-0a1b' is no id (subnet-...)."),
        ("container_image", "Petstore", "'Petstore' is no container image"),
        ("container_image", "Swaggerapi/petstore3", "is no container image"),
        ("container_image", "petstore:", "is no container image"),
        ("container_image", "petstore:1\n", "is no container image"),
        ("container_image", "https://example.com/petstore", "is no container image"),
        ("container_image", "petstore@sha256:0", "is no container image"),
        (
            {"exposed": ["http", 8080]},
            80,
            "does not expose 80, so no target would ever be healthy. It exposes http, 8080.",
        ),
        ("http_path", "health", "'health' is no path: it begins with a slash"),
        ("http_path", "/a?b=c", "no spaces and no query"),
        ("http_path", "/health\n", "no spaces"),
        ("http_path", "/" * 1025, "is no path"),
        ({"optional": "service"}, "Next", "'Next' is no name for a Service"),
        ("contract", {**CONTRACT, "namespace": "Shop"}, "namespace: 'Shop' is no name for a namespace"),
        ("contract", {"cluster": "shop"}, "is no contract"),
        ("contract", "shop", "is no contract"),
        ("iam_role_name", "a" * 65, "1 to 64"),
        ("kubernetes_version", 1.3, "an unquoted 1.30 arrives as 1.3"),
        ("kubernetes_version", "1.36.1", "'1.36.1' is no minor version"),
        ("limits", {"limit": 0}, "limit: 0 is not a number greater than 0."),
        ("mapping", [], "[] is no mapping."),
        ("namespace", "shop-", "no hyphen first or last"),
        ("not_negative", -0.5, "-0.5 is not a number of 0 or more."),
        ("not_negative", "x", "'x' is not a number of 0 or more."),
        ({"one_of": ["1", "2"]}, 3, "3 is not one of 1, 2."),
        ("ownership_tags", {}, "must hold at least one tag."),
        ("ownership_tags", {"aws:api": "petstore"}, "reserved by AWS"),
        ("policy_arn", ROLE, "is not the ARN of an IAM policy."),
        ("port", "80\n", "is no port"),
        ("port", 0, "0 is no port: 1 to 65535."),
        ("port", "http", "'http' is no port"),
        ("positive", 0, "0 is not a number greater than 0."),
        ("principal_arn", "arn:aws:sts::123456789012:assumed-role/infra/anna", f"Give the role itself, {ROLE}"),
        ("principal_arn", "infra", "'infra' is not the ARN of an IAM role or user."),
        ("public_cidrs", ["office"], "'office' is no CIDR block"),
        ("public_cidrs", ["8.8.8.0/24", "172.20.0.0/16"], "172.20.0.0/16 is private or reserved"),
        ("public_cidrs", ["198.51.100.0/24"], "198.51.100.0/24 is private or reserved"),
        ("public_cidrs", ["100.64.0.0/10"], "100.64.0.0/10 is private or reserved"),
        ("public_cidrs", ["fd00::/8"], "fd00::/8 is private or reserved"),
        ("public_cidrs", ["8.8.8.8/32\n"], "is no CIDR block"),
        ("role_arn", "arn:aws:iam::123456789012:user/anna", "is not the ARN of an IAM role."),
        ("seconds", -1, "-1 is no number of seconds"),
        ("seconds", "inf", "'inf' is no number of seconds"),
        ("seconds", 0.5, "0.5 is no number of seconds"),
        ("security_group_ids", ["subnet-0a1b"], "'subnet-0a1b' is no id (sg-...)."),
        ("service", "1st", "a letter first"),
        ("stage_name", "my stage", "is no name for a stage"),
        ("stage_variables", {"a-b": "c"}, "'a-b' is no name: 1 to 64"),
        ("stage_variables", {"host": "a b"}, "the value of host is not 1 to 512"),
        ("stage_variables", {"host": ""}, "the value of host"),
        ("stage_variables", {f"v{number}": "x" for number in range(101)}, "100 stage variables at most, not 101."),
        ("subnet_ids", ["subnet-0a1b", 7], "7 is no id (subnet-...)."),
        ("tags", {"AWS:team": "shop"}, "the prefix of 'AWS:team' is reserved by AWS."),
        ("tags", {"team": "shop!"}, "no tag with the value 'shop!'"),
        ("tags", {"team": "shop\n"}, "no tag with the value 'shop\\n'"),
        ("tags", {"team": None}, "the value of 'team' is null."),
        ("tags", {"team": ["shop"]}, "the value of 'team' is no text."),
        ("tags", {"": "shop"}, "no tag with the key ''"),
        ("tags", {"team": "a" * 257}, "up to 256 letters"),
        ("tags", {str(number): "" for number in range(51)}, "AWS takes 50 tags at most, not 51."),
        ("timeout", "an hour", "'an hour' is no time to wait"),
        ("timeout", "nan", "'nan' is no time to wait"),
        ("timeout", 0, "0 is no time to wait"),
        ("cluster_pattern", "my cluster", "'my cluster' is no name of a cluster"),
        ("iam_path", "teams", "'teams' is no path that IAM takes"),
        ("principal_patterns", ["*"], "*: name IAM roles and users by their ARNs"),
        ("team_names", {"infra": "same", "k8s": "same"}, "each team, infra and k8s, needs a name of its own."),
        ("team_names", {"infra": "seam infra", "k8s": "seam-k8s"}, "infra: 'seam infra' is no name for an IAM role"),
        ("team_trust", {"infra": [ROLE]}, "say who may assume the role of the k8s team"),
        ("team_trust", {"infra": ["*"], "k8s": [ROLE]}, "the role of the infra team would be open to *."),
        ("team_trust", {"infra": [ROLE], "k8s": [ROLE]}, f"{ROLE} could become both teams."),
        ("url_format", "api.example.com", "'api.example.com' is no URL"),
        ("url_format", "https://{api}.example.com", "a URL has no {api}, only {api_id}"),
        ("vpc_id", "default", "'default' is no id (vpc-...)."),
        ("zone_names", ["us-west-2"], "'us-west-2' is no name of a zone"),
        ("zone_names", ["us-west-2a\n"], "is no name of a zone"),
    ],
)
def test_a_rule_refuses(rule: Any, value: Any, words: str) -> None:
    (objection,) = objections({"given": value}, {"given": rule})
    assert objection.startswith("given: ")
    assert words in objection


def test_every_rule_takes_and_refuses_something_here() -> None:
    for marks in (test_a_rule_takes, test_a_rule_refuses):
        (mark,) = marks.pytestmark
        asked = {rule if isinstance(rule, str) else next(iter(rule)) for rule, *_rest in mark.args[1]}
        assert asked == set(RULES)


def test_all_that_is_wrong_is_said_at_once_and_of_each_value_once() -> None:
    given = {"name": "-", "version": "x", "port": 80, "unset": None}
    rules = {"port": "port", "version": "kubernetes_version", "name": ["cluster_name", "service"], "unset": "port"}
    with pytest.raises(SeamError) as error:
        require_sound(given, {**rules, "left_out": "port"})
    assert [line.partition(":")[0] for line in str(error.value.message).splitlines()] == ["version", "name"]


def test_sound_values_pass() -> None:
    require_sound({"name": "shop"}, {"name": ["cluster_name", "service"]})
