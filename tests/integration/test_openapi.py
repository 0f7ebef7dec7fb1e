# SPDX-License-Identifier: Apache-2.0
"""docs/openapi.yaml holds together, says what docs/http-api.md says, and what the server does."""
import os
import re

import yaml

from gateward_server import ROOT
from internal_api import InternalApi, internal_config

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def load():
    with open(os.path.join(ROOT, "docs", "openapi.yaml")) as f:
        return yaml.safe_load(f)


def nodes(value, path="#"):
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from nodes(inner, "%s/%s" % (path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from nodes(inner, "%s/%d" % (path, i))


def find(document, reference):
    assert reference.startswith("#/"), reference
    for part in reference[2:].split("/"):
        document = document[part]
    return document


def operations(document):
    return {(method.upper(), path): row for path, rows in document["paths"].items() for method, row in rows.items()}


def test_the_description_holds_together():
    document = load()
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"]) and document["info"]["title"] and document["info"]["version"]
    used, ids = set(), set()
    for path, node in nodes(document):
        if isinstance(node, dict) and "$ref" in node:
            assert list(node) == ["$ref"] and find(document, node["$ref"]) is not None, path
            used.add(node["$ref"])
        if isinstance(node, dict) and "required" in node and isinstance(node["required"], list):
            assert set(node["required"]) <= set(node["properties"]), path
        if isinstance(node, dict) and isinstance(node.get("pattern"), str):
            re.compile(node["pattern"])
    for kind in ("schemas", "responses"):
        for name in document["components"][kind]:
            assert "#/components/%s/%s" % (kind, name) in used, name
    for (method, path), row in operations(document).items():
        assert path.startswith("/") and method.lower() in METHODS
        assert row["operationId"] not in ids and row["responses"] and row["summary"]
        ids.add(row["operationId"])
        for status, answer in row["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            whole = find(document, answer["$ref"]) if "$ref" in answer else answer
            assert whole["description"]
            [kind] = whole["content"]
            assert kind == ("text/plain" if (path, status) == ("/metrics", "200") else "application/json") and "schema" in whole["content"][kind]
        assert ("requestBody" in row) == (method == "POST")
        assert (row.get("security") == []) == (path.startswith("/health/") or path == "/metrics")


def test_the_page_the_description_and_the_server_know_the_same_endpoints(start_server, tmp_path):
    document = load()
    with open(os.path.join(ROOT, "docs", "http-api.md")) as f:
        page = f.read()
    titles = re.findall(r"^## (.+)$", page, re.M)
    assert {tuple(part.split(" ")) for title in titles for part in title.split(", ")} == set(operations(document))
    api = InternalApi(start_server(internal_config(tmp_path)))
    for (method, path), row in operations(document).items():
        status, body = api.request(method, path, b"{}" if method == "POST" else None)
        assert str(status) in row["responses"], (method, path, status)
        wrong = "GET" if method == "POST" else "POST"
        assert api.request(wrong, path, b"" if wrong == "POST" else None)[0] == 405


def test_every_code_of_the_server_stands_on_the_page():
    with open(os.path.join(ROOT, "src", "api", "api_answer.c")) as f:
        rows = re.findall(r"= \{(\d{3}),\s*\"[^\"]+\",\s*\"([a-z_]+)\"", f.read())
    with open(os.path.join(ROOT, "docs", "http-api.md")) as f:
        page = f.read()
    assert len(rows) > 30
    for status, code in rows:
        assert status in ("200", "500") or "`%s`" % code in page, code
