# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Usage plans and API keys: who may call a stage, how fast, and how often in a period."""

from __future__ import annotations

import dataclasses
import datetime
import secrets
import string
from typing import Any

from lab.aws.apigateway.common import (
    Item,
    RestApi,
    bad_request,
    boolean,
    conflict,
    new_id,
    not_found,
    now,
    page,
    patches,
    segments,
)
from lab.aws.apigateway.throttling import Bucket
from lab.aws.service import Call

_LAST_OFFSET = {"DAY": 0, "WEEK": 6, "MONTH": 27}
_PLAN_PATHS = (
    "/apiStages, /quota, /throttle, /productCode, /apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>, "
    "/apiStages/<apidId:stageName>/throttle"
)
_KEY_PATHS = ["/description", "/enabled", "/name", "/customerId"]


@dataclasses.dataclass
class _Meter:
    """One key's use of a plan: a token bucket, and a count in the current period."""

    bucket: Bucket
    period: datetime.date
    count: int = 0


@dataclasses.dataclass
class UsagePlan:
    """One plan: its description as AWS returns it, its keys, and each key's use."""

    info: Item
    keys: set[str] = dataclasses.field(default_factory=set)
    meters: dict[str, _Meter] = dataclasses.field(default_factory=dict)

    def covers(self, api_id: str, stage: str) -> bool:
        return {"apiId": api_id, "stage": stage} in [
            {"apiId": item["apiId"], "stage": item["stage"]} for item in self.info["apiStages"]
        ]

    def admit(self, key_id: str) -> str | None:
        """Count one request of a key. Returns the refusal that API Gateway answers with (429), or None."""
        throttle, quota = self.info.get("throttle", {}), self.info.get("quota", {})
        period = _period_start(quota, now().date())
        meter = self.meters.setdefault(key_id, _Meter(Bucket(throttle.get("burstLimit", 0)), period))
        if throttle and not meter.bucket.take(throttle["rateLimit"], throttle["burstLimit"]):
            return "Too Many Requests"
        if meter.period != period:
            meter.period, meter.count = period, 0
        if quota and meter.count >= quota["limit"]:
            return "Limit Exceeded"
        meter.count += 1
        return None


class UsagePlans:
    """CreateUsagePlan, CreateApiKey and their kin."""

    apis: dict[str, RestApi]
    plans: dict[str, UsagePlan]
    keys: dict[str, Item]

    def create_usage_plan(self, call: Call) -> Item:
        info = {"id": new_id(6), **{k: v for k, v in call.params.items() if k in _PLAN_FIELDS}}
        info["apiStages"] = info.get("apiStages", [])
        for item in info["apiStages"]:
            if not self._stage_exists(item.get("apiId", ""), item.get("stage", "")):
                raise not_found(f"API Stage not found: {item.get('apiId')}:{item.get('stage')}")
        _check_plan(info)
        self.plans[info["id"]] = UsagePlan(info)
        return info

    def get_usage_plan(self, call: Call) -> Item:
        return self._plan(call).info

    def get_usage_plans(self, call: Call) -> Item:
        key = call.params.get("keyId")
        return page(call, (plan.info for plan in self.plans.values() if key is None or key in plan.keys))

    def update_usage_plan(self, call: Call) -> Item:
        plan = self._plan(call)
        changed = {**plan.info, "apiStages": list(plan.info["apiStages"])}
        for name in ("throttle", "quota"):
            if name in changed:
                changed[name] = dict(changed[name])
        for operation, path, value in patches(call):
            self._patch_plan(changed, operation, path, value)
        _check_plan(changed)
        if changed.get("throttle") != plan.info.get("throttle"):
            plan.meters.clear()
        plan.info = changed
        return changed

    def delete_usage_plan(self, call: Call) -> None:
        plan = self._plan(call)
        stages = [f"{item['apiId']}:{item['stage']}" for item in plan.info["apiStages"]]
        if stages:
            raise bad_request(
                f"Cannot delete Usage Plan {plan.info['id']} because there are API Stages associated with it, "
                f"including {stages[0]}"
            )
        del self.plans[plan.info["id"]]

    def create_usage_plan_key(self, call: Call) -> Item:
        plan, key = self._plan(call), self._key(call.params["keyId"])
        if call.params["keyType"] != "API_KEY":
            raise bad_request("Invalid key type specified")
        if key["id"] in plan.keys:
            raise conflict("The API key is already associated with this usage plan")
        plan.keys.add(key["id"])
        return _plan_key(key, with_value=True)

    def get_usage_plan_key(self, call: Call) -> Item:
        plan, key = self._plan(call), self._key(call.params["keyId"])
        if key["id"] not in plan.keys:
            raise not_found("Invalid Usage Plan Key identifier specified")
        return _plan_key(key, with_value=True)

    def get_usage_plan_keys(self, call: Call) -> Item:
        plan, start = self._plan(call), call.params.get("nameQuery", "")
        keys = [self.keys[identifier] for identifier in sorted(plan.keys)]
        return page(call, (_plan_key(key, with_value=False) for key in keys if key["name"].startswith(start)))

    def delete_usage_plan_key(self, call: Call) -> None:
        plan, key = self._plan(call), self._key(call.params["keyId"])
        if key["id"] not in plan.keys:
            raise not_found("Invalid API Key identifier specified")
        plan.keys.discard(key["id"])

    def create_api_key(self, call: Call) -> Item:
        value = call.params.get("value") or "".join(
            secrets.choice(string.ascii_letters + string.digits) for _ in range(40)
        )
        _check_key(call.params.get("name", ""), value)
        if any(key["value"] == value for key in self.keys.values()):
            raise conflict("API Key already exists")
        created = now()
        key: Item = {
            "id": new_id(),
            "value": value,
            "name": call.params.get("name", ""),
            "enabled": call.params.get("enabled", False),
            "createdDate": created,
            "lastUpdatedDate": created,
            "stageKeys": [],
            "tags": dict(call.params.get("tags", {})),
        }
        for name in ("description", "customerId"):
            if name in call.params:
                key[name] = call.params[name]
        self.keys[key["id"]] = key
        return key

    def get_api_key(self, call: Call) -> Item:
        return _shown(self._key(call.params["apiKey"]), call.params.get("includeValue", False))

    def get_api_keys(self, call: Call) -> Item:
        start, with_values = call.params.get("nameQuery", ""), call.params.get("includeValues", False)
        return page(call, (_shown(key, with_values) for key in self.keys.values() if key["name"].startswith(start)))

    def update_api_key(self, call: Call) -> Item:
        key = self._key(call.params["apiKey"])
        changed = dict(key)
        for operation, path, value in patches(call):
            if path not in _KEY_PATHS:
                raise _wrong_path(operation, path, ", ".join(_KEY_PATHS))
            changed[path.lstrip("/")] = boolean(value) if path == "/enabled" else value
        changed["lastUpdatedDate"] = now()
        self.keys[key["id"]] = changed
        return _shown(changed, with_value=False)

    def delete_api_key(self, call: Call) -> None:
        key = self._key(call.params["apiKey"])
        del self.keys[key["id"]]
        for plan in self.plans.values():
            plan.keys.discard(key["id"])

    def admit(self, api_id: str, stage: str, key_value: str | None) -> tuple[int, str] | None:
        """Let a request through API keys and usage plans: None, or the (HTTP status, message) to refuse it with."""
        # Takes no lock, since a long import may hold it: list() makes the copies in one step.
        key = next((key for key in list(self.keys.values()) if key["value"] == key_value and key["enabled"]), None)
        plans = [p for p in list(self.plans.values()) if key and key["id"] in p.keys and p.covers(api_id, stage)]
        if key is None or not plans:
            return 403, "Forbidden"
        refusal = plans[0].admit(key["id"])
        return (429, refusal) if refusal else None

    def _plan(self, call: Call) -> UsagePlan:
        if call.params["usagePlanId"] not in self.plans:
            raise not_found("Invalid Usage Plan ID specified")
        return self.plans[call.params["usagePlanId"]]

    def _key(self, identifier: str) -> Item:
        if identifier not in self.keys:
            raise not_found("Invalid API Key identifier specified")
        return self.keys[identifier]

    def _stage_exists(self, api_id: str, stage: str) -> bool:
        return api_id in self.apis and stage in self.apis[api_id].stages

    def _patch_plan(self, plan: Item, operation: str, path: str, value: str) -> None:
        name, *rest = segments(path)
        if name == "apiStages" and not rest:
            self._patch_stages(plan, operation, value)
        elif name in ("throttle", "quota") and not rest and operation == "remove":
            plan.pop(name, None)
        elif name in ("throttle", "quota") and len(rest) == 1 and rest[0] in _LIMITS and operation != "remove":
            try:
                plan.setdefault(name, {})[rest[0]] = _LIMITS[rest[0]](value)
            except ValueError:
                raise bad_request(f"Invalid value specified for {path}") from None
        elif name in ("name", "description", "productCode") and not rest and operation == "replace":
            plan[name] = value
        else:
            raise _wrong_path(operation, path, _PLAN_PATHS)

    def _patch_stages(self, plan: Item, operation: str, value: str) -> None:
        api_id, _, stage = value.partition(":")
        if not stage:
            raise bad_request("Invalid API Stage specified")
        item = {"apiId": api_id, "stage": stage}
        others = [known for known in plan["apiStages"] if (known["apiId"], known["stage"]) != (api_id, stage)]
        if operation == "remove":
            if len(others) == len(plan["apiStages"]):
                raise _unknown_stage(item, plan)
            plan["apiStages"] = others
            return
        if not self._stage_exists(api_id, stage):
            raise _unknown_stage(item, plan)
        plan["apiStages"] = [*others, item]


_PLAN_FIELDS = {"name", "description", "apiStages", "throttle", "quota", "tags"}
_LIMITS: dict[str, Any] = {"rateLimit": float, "burstLimit": int, "limit": int, "offset": int, "period": str}


def _unknown_stage(item: Item, plan: Item) -> Exception:
    named = f"{{api: {item['apiId']}, stage: {item['stage']}}}"
    return not_found(f"Invalid API Stage {named} specified for usageplan {plan['id']}")


def _wrong_path(operation: str, path: str, choice: str) -> Exception:
    return bad_request(f"Invalid patch path  '{path}' specified for op '{operation}'. Must be one of: [{choice}]")


def _check_plan(plan: Item) -> None:
    if "throttle" in plan:
        plan["throttle"] = {"burstLimit": 0, "rateLimit": 0.0, **plan["throttle"]}
    if "quota" not in plan:
        return
    quota = plan["quota"] = {"offset": 0, **plan["quota"]}
    if quota.get("limit", 0) < 1:
        raise bad_request("Usage Plan quota limit must be a non-negative numeric")
    if quota.get("period") not in _LAST_OFFSET:
        raise bad_request("Invalid Usage Plan quota period specified. Must be one of [DAY, WEEK, MONTH]")
    last = _LAST_OFFSET[quota["period"]]
    if not 0 <= quota["offset"] <= last:
        raise bad_request(
            f"Usage Plan quota offset must be between 0 and {last} inclusive in the {quota['period']} period"
        )


def _check_key(name: str, value: str) -> None:
    if len(name) > 1024:
        raise bad_request("Invalid API Key name, can be at most 1024 characters.")
    if len(value) < 20:
        raise bad_request("API Key value should be at least 20 characters")
    if len(value) > 128:
        raise bad_request("API Key value exceeds maximum size of 128 characters")


def _shown(key: Item, with_value: bool) -> Item:
    return key if with_value else {name: value for name, value in key.items() if name != "value"}


def _plan_key(key: Item, with_value: bool) -> Item:
    return {"type": "API_KEY", **{k: key[k] for k in ("id", "name", "value") if with_value or k != "value"}}


def _period_start(quota: Item, today: datetime.date) -> datetime.date:
    if quota.get("period") == "WEEK":
        return today - datetime.timedelta(days=(today.isoweekday() - quota["offset"]) % 7)
    if quota.get("period") == "MONTH":
        return today.replace(day=1)
    return today
