# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for an AWX: it keeps what awx.awx's modules send, under AWX's URLs, and gives it back.

It refuses what names something that isn't there, a playbook that the project doesn't have, and a second object of the same
name. Nothing else of AWX's own validation is here, and nothing runs.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

TOKEN = "made-up"
#: Which roles AWX gives an object of each kind.
ROLES = {
    "credentials": ("admin", "use", "read"),
    "job_templates": ("admin", "execute", "read"),
    "workflow_job_templates": ("admin", "execute", "approval", "read"),
}
#: Fields and associations that name another object, and of which kind it is.
REFERENCES = {
    "credential_type": "credential_types",
    "execution_environment": "execution_environments",
    "inventory": "inventories",
    "organization": "organizations",
    "project": "projects",
    "source_project": "projects",
    "unified_job_template": "unified_job_templates",
    "workflow_job_template": "workflow_job_templates",
    "credentials": "credentials",
    "success_nodes": "workflow_job_template_nodes",
    "teams": "teams",
}
UNIFIED = ("job_templates", "workflow_job_templates", "workflow_approval_templates")


class StandIn:
    """What is in it, and what was asked of it."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.objects: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        self.associated: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        self.surveys: dict[int, Any] = {}
        self.roles: dict[int, str] = {}
        self.changes: list[str] = []
        self._last = 0
        self.make("organizations", {"name": "Default"})

    def make(self, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        self._last += 1
        number, url = self._last, f"/api/v2/{kind}/{self._last}/"
        roles = {}
        for role in ROLES.get(kind, ()):
            self._last += 1
            self.roles[self._last] = f"{role} of {fields['name']}"
            roles[f"{role}_role"] = {"id": self._last}
        made = {
            **fields,
            "id": number,
            "type": kind.removesuffix("s"),
            "url": url,
            "related": {"survey_spec": f"{url}survey_spec/"},
            "summary_fields": {"object_roles": roles},
        }
        if kind == "projects":
            made["scm_revision"] = ""
        self.objects[kind][number] = made
        return made

    def kind(self, name: str) -> dict[int, dict[str, Any]]:
        """All objects of a kind."""
        if name == "unified_job_templates":
            return {number: each for kind in UNIFIED for number, each in self.objects[kind].items()}
        return self.objects[name]

    def named(self, kind: str, name: str) -> dict[str, Any]:
        (found,) = (each for each in self.objects[kind].values() if each["name"] == name)
        return found

    def names(self, kind: str, numbers: list[int]) -> list[str]:
        return sorted(self.kind(kind)[number]["name"] for number in numbers)

    def fault(self, kind: str, fields: dict[str, Any]) -> str:
        """Why AWX would not take these fields. Empty if it would."""
        for field, value in fields.items():
            if field in REFERENCES and value not in self.kind(REFERENCES[field]):
                return f"{field}: there is no {value}"
        if "playbook" in fields and not (self.project / fields["playbook"]).is_file():
            return f"Playbook {fields['playbook']} not found for project."
        same = [each for each in self.objects[kind].values() if "name" in fields and each["name"] == fields["name"]]
        return f"{fields['name']} exists" if request.method == "POST" and same else ""


def refused(reason: str) -> tuple[Response, int]:
    return jsonify({"__all__": [reason]}), 400


def listed(found: list[dict[str, Any]]) -> Response:
    return jsonify({"count": len(found), "next": None, "results": found})


def serve_headers(app: Flask, awx: StandIn) -> None:
    """What holds for every request."""

    @app.before_request
    def guard() -> tuple[Response, int] | None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return jsonify({"detail": "Authentication credentials were not provided."}), 401
        if request.method != "GET":
            awx.changes.append(f"{request.method} {request.path}")
        return None

    @app.after_request
    def product(response: Response) -> Response:
        response.headers.update({"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"})
        return response


def serve_objects(app: Flask, awx: StandIn) -> None:
    """Each kind of object in a list of its own."""

    @app.get("/api/v2/<kind>/")
    def search(kind: str) -> Response:
        wanted = request.args.to_dict().items()
        return listed([x for x in awx.kind(kind).values() if all(str(x.get(name)) == value for name, value in wanted)])

    @app.post("/api/v2/<kind>/")
    def create(kind: str) -> tuple[Response, int]:
        fields = request.get_json()
        fault = awx.fault(kind, fields)
        return refused(fault) if fault else (jsonify(awx.make(kind, fields)), 201)

    @app.get("/api/v2/<kind>/<int:number>/")
    def show(kind: str, number: int) -> Response:
        return jsonify(awx.objects[kind][number])

    @app.patch("/api/v2/<kind>/<int:number>/")
    def change(kind: str, number: int) -> tuple[Response, int]:
        fault = awx.fault(kind, request.get_json())
        if fault:
            return refused(fault)
        awx.objects[kind][number].update(request.get_json())
        return jsonify(awx.objects[kind][number]), 200


def serve_belongings(app: Flask, awx: StandIn) -> None:
    """What belongs to one object: its survey, its approval, and lists of others."""

    @app.route("/api/v2/<kind>/<int:number>/survey_spec/", methods=["GET", "POST", "DELETE"])
    def survey(kind: str, number: int) -> Response:
        if request.method == "GET":
            return jsonify(awx.surveys.get(number, {}))
        awx.surveys[number] = request.get_json() if request.method == "POST" else {}
        return jsonify({})

    @app.post("/api/v2/workflow_job_template_nodes/<int:number>/create_approval_template/")
    def approval(number: int) -> tuple[Response, int]:
        made = awx.make("workflow_approval_templates", request.get_json())
        node = awx.objects["workflow_job_template_nodes"][number]
        node["unified_job_template"] = made["id"]
        node["related"]["unified_job_template"] = made["url"]
        return jsonify(made), 201

    @app.get("/api/v2/<kind>/<int:number>/<association>/")
    def associated(kind: str, number: int, association: str) -> Response:
        every = awx.kind(REFERENCES[association])
        return listed([every[each] for each in awx.associated[kind, number, association]])

    @app.post("/api/v2/<kind>/<int:number>/<association>/")
    def associate(kind: str, number: int, association: str) -> tuple[Response, int]:
        asked, numbers = request.get_json(), awx.associated[kind, number, association]
        if asked["id"] not in awx.kind(REFERENCES[association]):
            return refused(f"{association}: there is no {asked['id']}")
        if asked.get("disassociate"):
            numbers.remove(asked["id"])
        else:
            numbers.append(asked["id"])
        return jsonify({}), 204


@contextmanager
def running(project: Path) -> Iterator[tuple[StandIn, str]]:
    """A stand-in whose projects have the files of a folder, and its URL."""
    awx = StandIn(project)
    app = Flask(__name__)
    for serve in (serve_headers, serve_objects, serve_belongings):
        serve(app, awx)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield awx, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
