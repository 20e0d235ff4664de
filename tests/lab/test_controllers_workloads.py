# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments, pods and their parts: the objects in the cluster, and the answers of the pods."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from controllers_cluster import Run, World, runner, until

from lab import images
from lab.controllers.client import (
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    ENDPOINT_SLICES,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    SERVICES,
    Object,
    version_of,
)

DEPLOYMENT: Object = {
    "metadata": {"name": "petstore", "namespace": "petstore"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "petstore"}},
        "template": {
            "metadata": {"labels": {"app": "petstore"}},
            "spec": {
                "terminationGracePeriodSeconds": 5,
                "containers": [
                    {
                        "name": "petstore",
                        "image": "swaggerapi/petstore3:unstable",
                        "ports": [{"name": "http", "containerPort": 8080}],
                        "readinessProbe": {"httpGet": {"path": "/api/v3/openapi.json", "port": "http"}},
                    }
                ],
            },
        },
    },
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with runner(tmp_path_factory.mktemp("cluster")) as run:
        yield run


def changed(**container: Any) -> Object:
    """The deployment with another container."""
    item = copy.deepcopy(DEPLOYMENT)
    item["spec"]["template"]["spec"]["containers"][0].update(container)
    return item


async def deploy(world: World, item: Object = DEPLOYMENT) -> None:
    await world.apply(NAMESPACES, {"metadata": {"name": "petstore"}})
    await world.apply(DEPLOYMENTS, item)


async def rolled_out(world: World) -> Object:
    """Wait until the deployment is through, as "kubectl rollout status" sees it."""

    async def through() -> Object | None:
        item = await world.find(DEPLOYMENTS, "petstore")
        assert item
        status, wanted = item.get("status", {}), item["spec"]["replicas"]
        counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
        done = status.get("observedGeneration") == item["metadata"]["generation"] and counts == [wanted] * 3
        return item if done else None

    found: Object = await until(through)
    return found


async def ready_pods(world: World) -> list[Object]:
    return [
        pod
        for pod in await world.items(PODS)
        if {"type": "Ready", "status": "True"}.items()
        <= next((each for each in pod["status"].get("conditions", []) if each["type"] == "Ready"), {}).items()
    ]


async def fetch(pod: Object, path: str, port: int = 8080) -> bytes:
    url = f"http://{pod['metadata']['annotations']['lab.seam/loopback']}:{port}{path}"
    answer: bytes = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read())
    return answer


def test_a_deployment_serves_from_two_zones(run: Run) -> None:
    async def scenario(world: World) -> None:
        await deploy(world)
        await rolled_out(world)
        pods = await world.items(PODS)
        for pod in pods:
            assert json.loads(await fetch(pod, "/api/v3/pet/1"))["name"] == "Cat 1"
        found = await world.items(NODES)
        assert all({c["type"]: c["status"] for c in n["status"]["conditions"]} == {"Ready": "True"} for n in found)
        nodes = {node["metadata"]["name"]: node["metadata"]["labels"] for node in found}
        zones = {nodes[pod["spec"]["nodeName"]]["topology.kubernetes.io/zone"] for pod in pods}
        assert zones == {"us-west-2a", "us-west-2b"}
        assert {labels["eks.amazonaws.com/compute-type"] for labels in nodes.values()} == {"auto"}
        events = await world.events("petstore-")
        assert {"Scheduled", "Pulled", "Created", "Started", "SuccessfulCreate"} <= set(events)
        log = next((world.settings.folder / "logs").glob(f"petstore_{pods[0]['metadata']['name']}_petstore.log"))
        assert "GET /api/v3/pet/1" in log.read_text()

    run(scenario)


def test_kubectl_sees_the_roll_out(run: Run) -> None:
    async def kubectl(world: World, *arguments: str) -> str:
        folder = world.settings.folder
        (folder / "ca.pem").write_text(world.server.ca_pem)
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            *(f"--server={world.server.url}", f"--certificate-authority={folder / 'ca.pem'}"),
            *(f"--token={world.server.admin_token}", "--namespace=petstore", f"--cache-dir={folder / 'cache'}"),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0, output
        return output.decode()

    async def scenario(world: World) -> None:
        await deploy(world)
        done = 'deployment "petstore" successfully rolled out'
        assert done in await kubectl(world, "rollout", "status", "deployment/petstore", "--timeout=15s")
        await world.apply(DEPLOYMENTS, changed(image="swaggerapi/petstore3:1.0.27"))
        assert done in await kubectl(world, "rollout", "status", "deployment/petstore", "--timeout=15s")
        await kubectl(world, "rollout", "undo", "deployment/petstore")
        assert done in await kubectl(world, "rollout", "status", "deployment/petstore", "--timeout=15s")
        # A roll-out is done while old pods still end.
        staying = [pod for pod in await ready_pods(world) if "deletionTimestamp" not in pod["metadata"]]
        assert [pod["spec"]["containers"][0]["image"] for pod in staying] == ["swaggerapi/petstore3:unstable"] * 2
        sets = await world.items(REPLICA_SETS)
        revisions = [each["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for each in sets]
        assert sorted(revisions) == ["2", "3"]

    run(scenario)


def test_a_status_observes_no_generation_that_was_not_acted_on(run: Run) -> None:
    async def scenario(world: World) -> None:
        history: list[Object] = []
        following = []
        for resource in (DEPLOYMENTS, REPLICA_SETS):
            world.client.cache(resource).listeners.append(lambda _, after: history.append(after) if after else None)
            following.append(asyncio.create_task(world.client.follow(resource)))
        # One change after the other, so that some come while the controller is at work.
        for number in range(20):
            await deploy(world, changed(image=f"example.com/missing:{number}"))

        def observed(item: Object) -> bool:
            observed_generation: int = item.get("status", {}).get("observedGeneration", 0)
            return observed_generation == item["metadata"]["generation"]

        def image(item: Object) -> str:
            name: str = item["spec"]["template"]["spec"]["containers"][0]["image"]
            return name

        await until(lambda: any(observed(each) and image(each).endswith(":19") for each in history))
        for task in following:
            task.cancel()
        made: set[str] = set()
        for each in sorted(history, key=version_of):
            if each["kind"] == "ReplicaSet":
                made.add(image(each))
            elif observed(each):
                assert image(each) in made

    run(scenario)


def test_a_rolling_update_never_falls_below_what_it_may_miss(run: Run) -> None:
    async def scenario(world: World) -> None:
        item = changed()
        item["spec"].update(replicas=4, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}})
        await deploy(world, item)
        await rolled_out(world)
        seen: list[tuple[int, int]] = []
        pods = world.client.cache(PODS)
        following = asyncio.create_task(world.client.follow(PODS))
        await until(lambda: len(pods.objects) == 4)

        def note(*_: Any) -> None:
            alive = [each for each in pods.objects.values() if "deletionTimestamp" not in each["metadata"]]
            ready = [e for e in alive if e["status"].get("containerStatuses", [{}])[0].get("ready")]
            seen.append((len(alive), len(ready)))

        pods.listeners.append(note)
        item["spec"]["template"]["spec"]["containers"][0]["image"] = "swaggerapi/petstore3:1.0.27"
        await world.apply(DEPLOYMENTS, item)
        await rolled_out(world)
        following.cancel()
        assert min(ready for _, ready in seen) >= 3
        assert max(alive for alive, _ in seen) <= 5

    run(scenario)


def test_an_image_that_is_not_there_is_said_so_and_the_old_pods_go_on(run: Run) -> None:
    async def scenario(world: World) -> None:
        await deploy(world)
        await rolled_out(world)
        await world.apply(DEPLOYMENTS, changed(image="example.com/missing:1"))

        async def backed_off() -> list[str]:
            states = [each["status"].get("containerStatuses", [{}])[0] for each in await world.items(PODS)]
            waiting = [state.get("state", {}).get("waiting", {}) for state in states]
            return [each["message"] for each in waiting if each.get("reason") == "ImagePullBackOff"]

        (message,) = await until(backed_off)
        assert "example.com/missing:1: not found. The lab has no registry" in message
        events = await world.events("petstore-")
        assert events["BackOff"]["message"] == 'Back-off pulling image "example.com/missing:1"'
        assert len(await ready_pods(world)) == 2
        deployment = await world.find(DEPLOYMENTS, "petstore")
        assert deployment
        conditions = {each["type"]: each["reason"] for each in deployment["status"]["conditions"]}
        assert conditions["Available"] == "MinimumReplicasAvailable"
        assert conditions["Progressing"] in ("NewReplicaSetCreated", "ReplicaSetUpdated")

    run(scenario)


def test_a_late_roll_out_is_reported(run: Run) -> None:
    async def scenario(world: World) -> None:
        item = changed(image="example.com/missing:1")
        item["spec"]["progressDeadlineSeconds"] = 1
        item["spec"]["template"]["spec"]["containers"][0].pop("readinessProbe")
        await deploy(world, item)

        async def late() -> Object | None:
            found = await world.find(DEPLOYMENTS, "petstore")
            conditions = (found or {}).get("status", {}).get("conditions", [])
            return next((each for each in conditions if each["reason"] == "ProgressDeadlineExceeded"), None)

        condition = await until(late)
        assert (condition["type"], condition["status"]) == ("Progressing", "False")

    run(scenario)


def test_a_container_that_ends_is_restarted(run: Run) -> None:
    async def scenario(world: World) -> None:
        item = changed(env=[{"name": "COLOUR", "value": "green"}])
        item["spec"]["replicas"] = 1
        await deploy(world, item)
        await rolled_out(world)

        async def restarts() -> Object:
            (pod,) = await world.items(PODS)
            status: Object = pod["status"]["containerStatuses"][0]
            return status

        for expected in (1, 2):
            os.kill(pid_of(world), signal.SIGKILL)

            async def restarted(wanted: int = expected) -> Object | None:
                status = await restarts()
                return status if status["restartCount"] == wanted and status["ready"] else None

            status = await until(restarted)
            assert status["lastState"]["terminated"]["exitCode"] == 137
        assert "BackOff" in await world.events("petstore-")
        (pod,) = await world.items(PODS)
        assert b"Swagger UI" in await fetch(pod, "/")
        assert b"COLOUR=green" in Path(f"/proc/{pid_of(world)}/environ").read_bytes()

    run(scenario)


def pid_of(world: World) -> int:
    """The process of the only pod, found by the address it was started with."""
    prefix = f"127.{world.settings.loopback_octet}.".encode()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes()
        except OSError:
            continue
        if b"petstore.py" in command and prefix in command:
            return int(process.parent.name)
    raise AssertionError("no pod runs")


@pytest.mark.parametrize(
    ("probe", "reason", "message"),
    [
        (
            {"readinessProbe": {"httpGet": {"path": "/nowhere", "port": 8080}}},
            "Unhealthy",
            "Readiness probe failed: HTTP probe failed with statuscode: 404",
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": 80}, "failureThreshold": 2}},
            "Killing",
            "Container petstore failed liveness probe, will be restarted",
        ),
        (
            {"startupProbe": {"tcpSocket": {"port": 80}, "failureThreshold": 2}},
            "Killing",
            "Container petstore failed startup probe, will be restarted",
        ),
    ],
)
def test_a_failing_probe_has_its_consequence(run: Run, probe: Object, reason: str, message: str) -> None:
    async def scenario(world: World) -> None:
        await deploy(world, changed(**probe))

        async def told() -> bool:
            return (reason, message) in [(each["reason"], each["message"]) for each in await world.items(EVENTS)]

        await until(told)

    run(scenario)


def test_what_a_deployment_owns_goes_with_it(run: Run) -> None:
    async def scenario(world: World) -> None:
        await deploy(world)
        for policy in ("Foreground", "Background"):
            await world.apply(DEPLOYMENTS, DEPLOYMENT)
            deployment = await rolled_out(world)
            pid = pid_of(world)
            await world.client.delete(DEPLOYMENTS, deployment, propagationPolicy=policy)

            async def nothing_left() -> bool:
                return not any([await world.items(kind) for kind in (DEPLOYMENTS, REPLICA_SETS, PODS)])

            await until(nothing_left)
            assert not Path(f"/proc/{pid}").exists()
        assert (await world.events("petstore-"))["Killing"]["message"] == "Stopping container petstore"

    run(scenario)


def test_orphans_stay(run: Run) -> None:
    async def scenario(world: World) -> None:
        await deploy(world)
        deployment = await rolled_out(world)
        await world.client.delete(DEPLOYMENTS, deployment, propagationPolicy="Orphan")

        async def orphaned() -> bool:
            (replica_set,) = await world.items(REPLICA_SETS)
            return not replica_set["metadata"].get("ownerReferences") and not await world.items(DEPLOYMENTS)

        await until(orphaned)
        assert len(await ready_pods(world)) == 2

    run(scenario)


def test_services_and_budgets_follow_the_pods(run: Run) -> None:
    async def scenario(world: World) -> None:
        await deploy(world)
        ports = [{"name": "http", "port": 80, "targetPort": "http"}]
        service = {"selector": {"app": "petstore"}, "ports": ports}
        await world.apply(SERVICES, {"metadata": {"name": "petstore", "namespace": "petstore"}, "spec": service})
        budget = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "petstore"}}}
        await world.apply(
            DISRUPTION_BUDGETS, {"metadata": {"name": "petstore", "namespace": "petstore"}, "spec": budget}
        )
        await rolled_out(world)

        async def endpoints() -> Object | None:
            slices = await world.items(ENDPOINT_SLICES)
            ready = [end for each in slices for end in each["endpoints"] if end["conditions"]["ready"]]
            return slices[0] if len(ready) == 2 else None

        found = await until(endpoints)
        assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
        addresses = {address for each in found["endpoints"] for address in each["addresses"]}
        assert addresses == {pod["status"]["podIP"] for pod in await world.items(PODS)}

        async def disruptions() -> bool:
            item = await world.find(DISRUPTION_BUDGETS, "petstore")
            return bool(item and item.get("status", {}).get("disruptionsAllowed") == 1)

        await until(disruptions)

    run(scenario)


def test_a_namespace_goes_with_all_that_is_in_it(run: Run) -> None:
    async def scenario(world: World) -> None:
        await deploy(world)
        await rolled_out(world)
        namespace = await world.find(NAMESPACES, "petstore")
        assert namespace
        await world.client.delete(NAMESPACES, namespace)

        async def gone() -> bool:
            return await world.find(NAMESPACES, "petstore") is None

        await until(gone)
        assert not await world.items(PODS)
        with pytest.raises(AssertionError, match="no pod runs"):
            pid_of(world)

    run(scenario)


def test_no_node_comes_without_a_node_pool(run: Run) -> None:
    async def scenario(world: World) -> None:
        world.cluster["computeConfig"] = {"enabled": False}
        await deploy(world)

        async def told() -> bool:
            return "FailedScheduling" in await world.events("petstore-")

        await until(told)
        assert await world.items(NODES) == []
        world.cluster["computeConfig"] = {"enabled": True, "nodePools": ["general-purpose"]}
        await rolled_out(world)

    run(scenario)


def test_a_cordoned_node_takes_no_pods(run: Run) -> None:
    async def scenario(world: World) -> None:
        await deploy(world)
        await rolled_out(world)
        cordoned = {pod["spec"]["nodeName"] for pod in await ready_pods(world)}
        for node in await world.items(NODES):
            await world.apply(NODES, {"metadata": {"name": node["metadata"]["name"]}, "spec": {"unschedulable": True}})
        await world.apply(DEPLOYMENTS, changed(env=[{"name": "LEVEL", "value": "debug"}]))
        await rolled_out(world)
        staying = [pod for pod in await ready_pods(world) if "deletionTimestamp" not in pod["metadata"]]
        assert len(staying) == 2
        assert cordoned.isdisjoint(pod["spec"]["nodeName"] for pod in staying)

    run(scenario)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("swaggerapi/petstore3", "swaggerapi/petstore3"),
        ("swaggerapi/petstore3:1.0.27", "swaggerapi/petstore3"),
        ("docker.io/swaggerapi/petstore3:unstable", "swaggerapi/petstore3"),
        (f"swaggerapi/petstore3@sha256:{'0' * 64}", "swaggerapi/petstore3"),
        (f"swaggerapi/petstore3:unstable@sha256:{'0' * 64}", "swaggerapi/petstore3"),
        ("docker.io/library/nginx:1", "nginx"),
        ("registry:5000/swaggerapi/petstore3", "registry:5000/swaggerapi/petstore3"),
    ],
)
def test_an_image_has_a_name_without_tag_and_digest(image: str, name: str) -> None:
    assert images.repository(image) == name


@pytest.mark.parametrize(
    "image", ["pet store", "petstore:", "petstore:a b", "/petstore", "petstore@sha256:1", "a//b", ""]
)
def test_some_texts_name_no_image(image: str) -> None:
    with pytest.raises(images.InvalidReference, match=r"invalid reference format$"):
        images.repository(image)


@pytest.mark.parametrize(
    ("image", "name"), [("Petstore:1", "library/Petstore"), ("a/B", "a/B"), ("x.org/B", "x.org/B")]
)
def test_the_name_of_an_image_is_in_small_letters(image: str, name: str) -> None:
    with pytest.raises(images.InvalidReference, match=rf"repository name \({name}\) must be lowercase"):
        images.repository(image)


def test_a_wrong_name_of_an_image_is_said_so(run: Run) -> None:
    async def scenario(world: World) -> None:
        await deploy(world, changed(image="swaggerapi/Petstore3"))

        async def waiting() -> list[Object]:
            states = [each["status"].get("containerStatuses", [{}])[0] for each in await world.items(PODS)]
            found = [state.get("state", {}).get("waiting", {}) for state in states]
            return [each for each in found if each.get("reason") == "InvalidImageName"]

        message = (await until(waiting))[0]["message"]
        assert message == (
            'Failed to apply default image tag "swaggerapi/Petstore3": couldn\'t parse image name "swaggerapi/Petstore3": '
            "invalid reference format: repository name (swaggerapi/Petstore3) must be lowercase"
        )
        assert (await world.events("petstore-"))["InspectFailed"]["message"] == message

    run(scenario)


def test_a_program_of_ones_own_runs_as_an_image(run: Run) -> None:
    async def scenario(world: World) -> None:
        page = world.settings.folder / "www"
        page.mkdir()
        (page / "index.html").write_text("mine")
        program = f"cd {page} && {sys.executable} -m http.server 9000 --bind $HOST"
        images.add(world.settings.folder, "example.com/mine", program)
        probe = {"httpGet": {"path": "/", "port": 9000}}
        await deploy(world, changed(image="example.com/mine:7", readinessProbe=probe))
        await rolled_out(world)
        pods = await ready_pods(world)
        assert [await fetch(pod, "/", 9000) for pod in pods] == [b"mine"] * 2
        await world.client.delete(DEPLOYMENTS, await world.find(DEPLOYMENTS, "petstore") or {})

        async def gone() -> bool:
            return not await world.items(PODS)

        await until(gone)
        # The shell's child too.
        with pytest.raises(urllib.error.URLError):
            await fetch(pods[0], "/", 9000)

    run(scenario)
