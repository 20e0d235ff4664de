# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules about input, each once. Modules ask them of their options, roles of their variables (action ``check_input``).

A rule takes a value, never None. It returns None if the value is sound, else words that follow "<name>: " in a message.
A rule is named by what a value is. Some take arguments, such as ``between``. Pure: nothing here asks AWS.
"""

from __future__ import annotations

import ipaddress
import math
import re
import typing as t

Rule = t.Callable[..., "str | None"]
#: A rule's name, its name with arguments (``{"between": [1, 65535]}``), or a list of these.
Rules: t.TypeAlias = "str | t.Mapping[str, t.Any] | t.Sequence[t.Any]"


def objections(values: t.Mapping[str, t.Any], rules: t.Mapping[str, Rules]) -> list[str]:
    """All that is wrong, a sentence for each value, in the order of the rules.

    ``rules`` gives each name its rules. Names without a value, or with None, are passed over. Raises KeyError for a rule
    that there isn't.
    """
    found = []
    for name, asked in rules.items():
        value = values.get(name)
        if value is not None:
            objection = next(filter(None, (rule(value, *arguments) for rule, arguments in _rules(asked))), None)
            found += [f"{name}: {objection}"] if objection else []
    return found


def require_sound(values: t.Mapping[str, t.Any], rules: t.Mapping[str, Rules]) -> None:
    """Raise :class:`.errors.SeamError` with all objections, if there is one."""
    # Here, as it loads boto3, and on the controller the rules do without.
    from .errors import require

    found = objections(values, rules)
    require(not found, "\n".join(found))


def _rules(asked: Rules) -> t.Iterator[tuple[Rule, list[t.Any]]]:
    if isinstance(asked, str):
        yield RULES[asked], []
    elif isinstance(asked, t.Mapping):
        for name, arguments in asked.items():
            yield RULES[name], list(arguments) if isinstance(arguments, list | tuple) else [arguments]
    else:
        for each in asked:
            yield from _rules(each)


# Names and numbers of any kind


def between(value: t.Any, least: float, most: float) -> str | None:
    """A number, or text that is one, from ``least`` to ``most``."""
    number = _number(value)
    return None if number is not None and least <= number <= most else f"{value!r} is not between {least} and {most}."


def positive(value: t.Any) -> str | None:
    number = _number(value)
    return None if number is not None and number > 0 else f"{value!r} is not a number greater than 0."


def not_negative(value: t.Any) -> str | None:
    number = _number(value)
    return None if number is not None and number >= 0 else f"{value!r} is not a number of 0 or more."


def seconds(value: t.Any) -> str | None:
    """Seconds to wait: a whole number that is not negative."""
    number = _number(value)
    sound = number is not None and number >= 0 and number == int(number)
    return None if sound else f"{value!r} is no number of seconds: 0 or a greater whole number."


def timeout(value: t.Any) -> str | None:
    """Seconds to wait at most: a whole number greater than 0."""
    number = _number(value)
    sound = number is not None and number > 0 and number == int(number)
    return None if sound else f"{value!r} is no time to wait: a whole number of seconds greater than 0."


def port(value: t.Any) -> str | None:
    return (
        None
        if re.fullmatch(r"[0-9]{1,5}", str(value)) and 1 <= int(value) <= 65535
        else f"{value!r} is no port: 1 to 65535."
    )


def optional(value: t.Any, rule: str) -> str | None:
    """Nothing, as empty text, or what the rule takes."""
    return None if value == "" else RULES[rule](value)


def one_of(value: t.Any, *choices: str) -> str | None:
    return None if str(value) in choices else f"{value!r} is not one of {', '.join(choices)}."


def _number(value: t.Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


# EKS and IAM


def cluster_name(value: t.Any) -> str | None:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html"""
    return _text(
        value,
        r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}",
        "is no name for an EKS cluster: 1 to 100 letters, digits, hyphens and underscores, a letter or digit first.",
    )


def kubernetes_version(value: t.Any) -> str | None:
    # Two digits: an unquoted 1.30 arrives as 1.3.
    return _text(
        str(value), r"1\.[0-9]{2}", 'is no minor version in quotes, such as "1.36" (an unquoted 1.30 arrives as 1.3).'
    )


def iam_role_name(value: t.Any) -> str | None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html"""
    return _text(value, r"[A-Za-z0-9+=,.@_-]{1,64}", "is no name for an IAM role: 1 to 64 letters, digits and +=,.@_-.")


def role_arn(value: t.Any) -> str | None:
    return _text(value, r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+", "is not the ARN of an IAM role.")


def principal_arn(value: t.Any) -> str | None:
    """Access entries take roles and users, no sessions: these are not permanent."""
    session = re.fullmatch(r"(arn:aws[a-z-]*):sts::([0-9]{12}):assumed-role/([^/]+)/.+", str(value))
    if session:
        partition, account, role = session.groups()
        return (
            f"{value} is a session of a role. Give the role itself, {partition}:iam::{account}:role/{role} "
            "(with its path, if it has one)."
        )
    return _text(value, r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[!-~]+", "is not the ARN of an IAM role or user.")


def cluster_subnet_ids(value: t.Any) -> str | None:
    enough = None if len(set(value)) >= 2 else "EKS needs at least two subnets in different zones."
    return subnet_ids(value) or enough


def cluster_security_group_ids(value: t.Any) -> str | None:
    """Besides the one that EKS makes itself."""
    few_enough = None if len(value) <= 5 else "EKS takes at most five security groups."
    return security_group_ids(value) or few_enough


def public_cidrs(value: t.Any) -> str | None:
    """From where a cluster's public endpoint can be reached.

    EKS takes no private or reserved ranges: https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html
    """
    if objection := cidrs(value):
        return objection
    reserved = next((each for each in value if not ipaddress.ip_network(each).is_global), None)
    return reserved and (
        f"{reserved} is private or reserved, and nobody reaches a public endpoint from there. EKS refuses it."
    )


def access_entries(value: t.Any) -> str | None:
    """A list of mappings, each of another principal."""
    principals = []
    for each in value:
        if not isinstance(each, t.Mapping) or "principal_arn" not in each:
            return f"{each!r} has no principal_arn."
        if wrong := principal_arn(each["principal_arn"]):
            return f"principal_arn: {wrong}"
        if wrong := _kubernetes_groups(each.get("kubernetes_groups") or []):
            return f"kubernetes_groups: {wrong}"
        principals.append(each["principal_arn"])
    twice = next((arn for arn in principals if principals.count(arn) > 1), None)
    return f"{twice} is listed more than once." if twice else None


def _kubernetes_groups(value: t.Any) -> str | None:
    """https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html"""
    reserved = ("system:", "eks:", "aws:", "amazon:", "iam:")
    wrong = next((each for each in value if not str(each).strip() or str(each).startswith(reserved)), None)
    return (
        None
        if wrong is None
        else f"{wrong!r} is no group that EKS takes: it does not begin with {', '.join(reserved)}."
    )


def cluster_pattern(value: t.Any) -> str | None:
    return _text(
        value,
        r"[0-9A-Za-z*?][0-9A-Za-z_*?-]{0,99}",
        "is no name of a cluster: letters, digits, hyphens and underscores, where * and ? stand for any.",
    )


def iam_path(value: t.Any) -> str | None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html"""
    return _text(
        value, r"/([!-~]{1,510}/)?", "is no path that IAM takes: it begins and ends with a slash, such as /teams/."
    )


def policy_arn(value: t.Any) -> str | None:
    return _text(value, r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[!-~]+", "is not the ARN of an IAM policy.")


def principal_patterns(value: t.Any) -> str | None:
    """ARNs of roles and users, whose names alone may be patterns."""
    for each in value:
        if not re.fullmatch(r"arn:[^:*?]+:iam::[0-9]{12}:(role|user)/[!-~]+", str(each)):
            return (
                f"{each}: name IAM roles and users by their ARNs (arn:aws:iam::111122223333:role/team-a). Only their names may be "
                "patterns, such as role/team-*."
            )
    return None


def team_names(value: t.Any) -> str | None:
    """A role's name for ``infra``, and another for ``k8s``."""
    if not isinstance(value, t.Mapping) or set(value) != {"infra", "k8s"} or value["infra"] == value["k8s"]:
        return "each team, infra and k8s, needs a name of its own."
    return next((f"{team}: {wrong}" for team, name in value.items() if (wrong := iam_role_name(name))), None)


def team_trust(value: t.Any) -> str | None:
    """For ``infra`` and ``k8s``, who may become the team: nobody twice, and nobody by a pattern."""
    for team in ("infra", "k8s"):
        principals = value.get(team) or []
        if not principals:
            return (
                f"say who may assume the role of the {team} team, as a list of ARNs of IAM roles, users or accounts "
                "(arn:aws:iam::111122223333:role/pipeline)."
            )
        if not all(_SOMEBODY.fullmatch(str(each)) for each in principals):
            return (
                f"the role of the {team} team would be open to {', '.join(map(str, principals))}. Name roles, users or accounts by "
                "their ARNs, without a wildcard."
            )
    both = [each for each in value["infra"] if each in value["k8s"] and not each.endswith(":root")]
    if both:
        return (
            f"{', '.join(both)} could become both teams. Name different principals, or whole accounts "
            "(arn:aws:iam::111122223333:root) whose own policies decide."
        )
    return None


_SOMEBODY = re.compile(r"arn:[^:*]+:(iam|sts)::[0-9]{12}:(root|(role|user|assumed-role)/[^*\s]+)")


# EC2


def vpc_id(value: t.Any) -> str | None:
    return _text(value, r"vpc-[0-9a-f]+", "is no id (vpc-...).")


def subnet_ids(value: t.Any) -> str | None:
    return _ids("subnet", value)


def security_group_ids(value: t.Any) -> str | None:
    return _ids("sg", value)


def _ids(prefix: str, values: t.Any) -> str | None:
    for each in values:
        if not isinstance(each, str) or not re.fullmatch(rf"{prefix}-[0-9a-f]+", each):
            return f"{each!r} is no id ({prefix}-...)."
    return None


def zone_names(value: t.Any) -> str | None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html"""
    pattern = re.compile(r"[a-z]{2,}(-[a-z0-9]+)*-[0-9]+(-[a-z]+-[0-9]+)?[a-z]")
    wrong = next((each for each in value if not isinstance(each, str) or not pattern.fullmatch(each)), None)
    return None if wrong is None else f"{wrong!r} is no name of a zone, such as us-west-2a."


def cidrs(value: t.Any) -> str | None:
    for each in value:
        try:
            ipaddress.ip_network(each)
        except ValueError as error:
            return f"{each!r} is no CIDR block: {error}."
    return None


# Kubernetes: labels of RFC 1123 and RFC 1035
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/


def namespace(value: t.Any) -> str | None:
    return _text(
        value,
        r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        "is no name for a namespace: up to 63 lower-case letters, digits and hyphens, no hyphen first or last.",
    )


def service(value: t.Any) -> str | None:
    return _text(
        value,
        r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
        "is no name for a Service: up to 63 lower-case letters, digits and hyphens, a letter first and no hyphen last.",
    )


def container_image(value: t.Any) -> str | None:
    """https://github.com/distribution/reference: a path with an optional registry, tag and digest."""
    part = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
    registry = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:))(?::[0-9]+)?"
    return _text(
        value,
        rf"(?:{registry}/)?{part}(?:/{part})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?",
        "is no container image: [registry/]path[:tag][@sha256:digest], the path in lower case.",
    )


def exposed(value: t.Any, *ports: t.Any) -> str | None:
    """A port, by number or name, that the container exposes."""
    known = [str(each) for each in ports]
    wrong = f"the container does not expose {value}, so no target would ever be healthy. It exposes {', '.join(known)}."
    return None if str(value) in known else wrong


def contract(value: t.Any) -> str | None:
    """A mapping with just ``cluster``, ``namespace`` and ``service``."""
    parts = {"cluster": cluster_name, "namespace": namespace, "service": service}
    if not isinstance(value, t.Mapping) or set(value) != set(parts):
        return "is no contract: it has cluster, namespace and service, and nothing else."
    return next((f"{part}: {wrong}" for part, rule in parts.items() if (wrong := rule(value[part]))), None)


# API Gateway


def stage_name(value: t.Any) -> str | None:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html"""
    return _text(
        value, r"[A-Za-z0-9_-]{1,128}", "is no name for a stage: 1 to 128 letters, digits, hyphens and underscores."
    )


def limits(value: t.Any) -> str | None:
    """Throttle or quota of a usage plan: with a limit of 0, no request would get through."""
    for name in ("rate_limit", "burst_limit", "limit"):
        if name in value and (wrong := positive(value[name])):
            return f"{name}: {wrong}"
    return None


def backends(value: t.Any) -> str | None:
    """Each path of an API with the one Service that serves it. Names that are left out are those of the contract."""
    if not isinstance(value, list | tuple) or not value:
        return "is no list of backends. Name at least one; {} is the Service of the contract."
    parts: dict[str, Rule] = {
        "namespace": namespace,
        "service": service,
        "port": port,
        "path_prefix": http_path,
        "base_path": _base,
    }
    for each in value:
        if not isinstance(each, t.Mapping):
            return f"{each!r} is no backend: a mapping with any of {', '.join(parts)}."
        for name, text in each.items():
            if name not in parts:
                return f"a backend has no {name!r}, only {', '.join(parts)}."
            if text is not None and (wrong := parts[name](text)):
                return f"{name}: {wrong}"
    prefixes = [str(each.get("path_prefix", "/")).rstrip("/") or "/" for each in value]
    twice = next((each for each in prefixes if prefixes.count(each) > 1), None)
    return f"several have the path_prefix {twice}. A path goes to one backend." if twice else None


def http_path(value: t.Any) -> str | None:
    """A health check's path: without a query, of 1024 characters at most."""
    return _text(value, r"/[^\s?#]{0,1023}", "is no path: it begins with a slash, and has no spaces and no query.")


def _base(value: t.Any) -> str | None:
    return None if value == "" else http_path(value)


def api_name(value: t.Any) -> str | None:
    """The API is found again by it as the value of a tag, and a link V2 and its security group are named after it.

    https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/vpclinks.html
    """
    return _text(
        value,
        r"(?=\S)[A-Za-z0-9 _.:/=+@-]{1,128}(?<=\S)",
        "is no name for an API: 1 to 128 letters, digits, spaces and _.:/=+-@, no space first or last.",
    )


def api_pattern(value: t.Any) -> str | None:
    """Names of APIs, as a policy names them."""
    return _text(
        value,
        r"(?=\S)[A-Za-z0-9 _.:/=+@*?-]{1,128}(?<=\S)",
        "is no name of an API: letters, digits, spaces and _.:/=+-@, where * and ? stand for any.",
    )


def api_paths(value: t.Any) -> str | None:
    """Paths of an API, each with the one at the backend."""
    for pair in value.items():
        for path in pair:
            if wrong := http_path(path):
                return wrong
    return None


#: What a request to an API is made of, as the module ``apigateway_call`` takes it.
CALL_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_CALL = ("method", "path", "query", "headers", "body", "status")


def api_calls(value: t.Any) -> str | None:
    """A list of requests, each a mapping that may be empty."""
    if not isinstance(value, list | tuple):
        return "is no list of requests."
    return next((wrong for each in value if (wrong := _api_call(each))), None)


def _api_call(value: t.Any) -> str | None:
    if not isinstance(value, t.Mapping):
        return f"{value!r} is no request: a mapping with any of {', '.join(_CALL)}."
    unknown = next((name for name in value if name not in _CALL), None)
    if unknown is not None:
        return f"a request has no {unknown!r}, only {', '.join(_CALL)}."
    rules: dict[str, Rules] = {
        "method": {"one_of": CALL_METHODS},
        "path": "http_path",
        "query": "mapping",
        "headers": "mapping",
        "status": {"between": [100, 599]},
    }
    return next(iter(objections(value, rules)), None)


def mapping(value: t.Any) -> str | None:
    return None if isinstance(value, t.Mapping) else f"{value!r} is no mapping."


def url_format(value: t.Any) -> str | None:
    """A URL in which API Gateway's own parts stand in braces."""
    parts = ("api_id", "region", "dns_suffix", "stage")
    if wrong := _text(value, r"https?://[^\s/]+\S*", "is no URL: it begins with https:// and a host."):
        return wrong
    unknown = next((part for part in re.findall(r"\{(.*?)\}", value) if part not in parts), None)
    return (
        None if unknown is None else f"a URL has no {{{unknown}}}, only {', '.join(f'{{{part}}}' for part in parts)}."
    )


def stage_variables(value: t.Any) -> str | None:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html"""
    if len(value) > 100:
        return f"API Gateway takes 100 stage variables at most, not {len(value)}."
    for name, text in value.items():
        if wrong := _text(str(name), r"[A-Za-z0-9_]{1,64}", "is no name: 1 to 64 letters, digits and underscores."):
            return wrong
        if not re.fullmatch(r"[A-Za-z0-9\-._~:/?#&=,]{1,512}", str(text)):
            return f"the value of {name} is not 1 to 512 letters, digits or any of -._~:/?#&=,"
    return None


# Tags

# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_TAG_TEXT = re.compile(r"[\w .:/=+\-@]*")


def tags(value: t.Any) -> str | None:
    """Keys and values as every AWS service takes them."""
    for key, text in value.items():
        if str(key).lower().startswith("aws:"):
            return f"the prefix of {key!r} is reserved by AWS."
        if text is None or isinstance(text, list | tuple | t.Mapping):
            return f"the value of {key!r} is {'null' if text is None else 'no text'}."
        for what, each, longest in (("key", str(key), 128), ("value", str(text), 256)):
            if len(each) > longest or not _TAG_TEXT.fullmatch(each) or (what == "key" and not each):
                return (
                    f"AWS takes no tag with the {what} {each!r}: up to {longest} letters, digits, spaces and _.:/=+-@."
                )
    return None if len(value) <= 50 else f"AWS takes 50 tags at most, not {len(value)}."


def ownership_tags(value: t.Any) -> str | None:
    """Without one, nothing could be found again."""
    return tags(value) if value else "must hold at least one tag."


def _text(value: t.Any, pattern: str, wrong: str) -> str | None:
    return None if isinstance(value, str) and re.fullmatch(pattern, value) else f"{value!r} {wrong}"


#: Every rule by its name.
RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        access_entries,
        api_calls,
        api_name,
        api_paths,
        api_pattern,
        backends,
        between,
        cidrs,
        cluster_name,
        cluster_pattern,
        cluster_security_group_ids,
        cluster_subnet_ids,
        container_image,
        contract,
        exposed,
        http_path,
        iam_path,
        iam_role_name,
        kubernetes_version,
        limits,
        mapping,
        namespace,
        not_negative,
        one_of,
        optional,
        ownership_tags,
        policy_arn,
        port,
        positive,
        principal_arn,
        principal_patterns,
        public_cidrs,
        role_arn,
        seconds,
        security_group_ids,
        service,
        stage_name,
        stage_variables,
        subnet_ids,
        tags,
        team_names,
        team_trust,
        timeout,
        url_format,
        vpc_id,
        zone_names,
    )
}
