# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for an AWX: it keeps the objects of awx.awx's modules under AWX's URLs, and gives them back.

It refuses in the words of AWX 24.6.1: unknown names, a playbook missing from the project, a second object of the same
name, another organization for an image, and two credentials of a type on one template. A synchronized project has the
playbooks. Nothing else of AWX's own validation is here, and no job runs.
"""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

TOKEN = "made-up"
#: The roles that AWX gives an object, by its kind.
ROLES = {
    "credentials": ("admin", "use", "read"),
    "job_templates": ("admin", "execute", "read"),
    "workflow_job_templates": ("admin", "execute", "approval", "read"),
}
#: Fields and associations that name another object, with its kind.
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
#: How AWX says that a name is taken. Names are unique in an organization; those of images, and of credential types, everywhere.
TAKEN = {
    "execution_environments": "Execution environment with this Name",
    "teams": "Team with this Organization and Name",
    "credentials": "Credential with this Organization, Name and Credential type",
    "inventories": "Inventory with this Name and Organization",
    "credential_types": "Credential type with this Name and Kind",
    "projects": "Project with this (name, organization) combination",
    "job_templates": "JobTemplate with this (name, organization) combination",
    "workflow_job_templates": "WorkflowJobTemplate with this (name, organization) combination",
}
#: AWX's name of a kind in the error about an unknown number.
MODELS = {"credentials": "Credential", "success_nodes": "WorkflowJobTemplateNode", "teams": "Team"}
#: Changes of these make AWX synchronize a project.
SOURCE = {"scm_type", "scm_url", "scm_branch"}
UNIFIED = ("job_templates", "workflow_job_templates", "workflow_approval_templates")


Fault = dict[str, list[str]]


class StandIn:
    """Its objects, and the requests so far."""

    def __init__(self, project: Path) -> None:
        self.project = project
        #: Whether Git answers.
        self.reachable = True
        self.objects: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        self.associated: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        self.surveys: dict[int, Any] = {}
        self.updates: dict[int, dict[str, Any]] = {}
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
        self.objects[kind][number] = made
        if kind == "projects":
            made |= {"scm_revision": "", "related": {"update": f"{url}update/"}}
        return made

    def synchronize(self, project: dict[str, Any]) -> dict[str, Any]:
        """An update of a project. It has always ended already."""
        self._last += 1
        project["scm_revision"] = "1f2e3d4c" if self.reachable else project["scm_revision"]
        update = {
            "id": self._last,
            "url": f"/api/v2/project_updates/{self._last}/",
            "status": "successful" if self.reachable else "failed",
            "failed": not self.reachable,
            "started": "2026-11-30T01:33:15.206985Z",
            "finished": "2026-11-30T01:33:26.952804Z",
            "elapsed": 11.746,
            "event_processing_finished": True,
            "scm_revision": project["scm_revision"],
        }
        self.updates[self._last] = update
        return update

    def synchronizing(self, project: dict[str, Any]) -> dict[str, Any]:
        """A project as AWX gives it back when it synchronizes it by itself."""
        before = copy.deepcopy(project)
        return before | {"summary_fields": {"current_update": {"id": self.synchronize(project)["id"]}}}

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

    def fault(self, kind: str, fields: dict[str, Any], existing: dict[str, Any] | None = None) -> Fault:
        """Why AWX would not take these fields. Empty if it would."""
        for field, value in fields.items():
            if field in REFERENCES and value not in self.kind(REFERENCES[field]):
                return {field: [f'Invalid pk "{value}" - object does not exist.']}
        if existing is None:
            return self.missing_playbook(fields) or self.taken(kind, fields)
        if kind == "execution_environments" and fields.get("organization") != existing["organization"]:
            return {"organization": ["Cannot change the organization of an execution environment"]}
        return self.missing_playbook(existing | fields)

    def missing_playbook(self, template: dict[str, Any]) -> Fault:
        if "playbook" not in template:
            return {}
        synchronized = self.objects["projects"][template["project"]]["scm_revision"]
        found = synchronized and (self.project / template["playbook"]).is_file()
        return {} if found else {"playbook": ["Playbook not found for project."]}

    def taken(self, kind: str, fields: dict[str, Any]) -> Fault:
        if kind not in TAKEN:
            return {}
        unique = "name" if kind == "execution_environments" else "__all__"
        same = ("name",) if unique == "name" else ("name", "organization")
        found = any(all(each.get(x) == fields.get(x) for x in same) for each in self.objects[kind].values())
        return {unique: [f"{TAKEN[kind]} already exists."]} if found else {}


def refused(why: dict[str, Any]) -> tuple[Response, int]:
    return jsonify(why), 400


def listed(found: list[dict[str, Any]]) -> Response:
    return jsonify({"count": len(found), "next": None, "results": found})


def serve_headers(app: Flask, awx: StandIn) -> None:
    """The common part of every request."""

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
        if fault:
            return refused(fault)
        made = awx.make(kind, fields)
        return jsonify(awx.synchronizing(made) if kind == "projects" else made), 201

    @app.get("/api/v2/<kind>/<int:number>/")
    def show(kind: str, number: int) -> Response:
        return jsonify(awx.objects[kind][number])

    @app.patch("/api/v2/<kind>/<int:number>/")
    def change(kind: str, number: int) -> tuple[Response, int]:
        fields, existing = request.get_json(), awx.objects[kind][number]
        fault = awx.fault(kind, fields, existing)
        if fault:
            return refused(fault)
        moved = {name for name in SOURCE & set(fields) if fields[name] != existing.get(name)}
        existing.update(fields)
        return jsonify(awx.synchronizing(existing) if kind == "projects" and moved else existing), 200


def serve_belongings(app: Flask, awx: StandIn) -> None:
    """The parts of one object: its survey, its approval, and lists of others."""

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
        every = awx.kind(REFERENCES[association])
        if asked["id"] not in every:
            return refused({"detail": f"{MODELS[association]} matching query does not exist."})
        if asked.get("disassociate"):
            numbers.remove(asked["id"])
            return jsonify({}), 204
        if association == "credentials":
            kind_of = awx.objects["credential_types"][every[asked["id"]]["credential_type"]]
            if any(every[each]["credential_type"] == kind_of["id"] for each in numbers):
                return refused({"error": f"Cannot assign multiple {kind_of['name']} credentials."})
        numbers.append(asked["id"])
        return jsonify({}), 204


def serve_projects(app: Flask, awx: StandIn) -> None:
    """Fetches a project's files."""

    @app.post("/api/v2/projects/<int:number>/update/")
    def update(number: int) -> tuple[Response, int]:
        return jsonify(awx.synchronize(awx.objects["projects"][number])), 202

    @app.get("/api/v2/project_updates/<int:number>/")
    def show_update(number: int) -> Response:
        return jsonify(awx.updates[number])


@contextmanager
def running(project: Path) -> Iterator[tuple[StandIn, str]]:
    """A stand-in whose projects have the files of a folder, and its URL."""
    awx = StandIn(project)
    app = Flask(__name__)
    for serve in (serve_headers, serve_objects, serve_projects, serve_belongings):
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
