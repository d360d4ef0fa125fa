import json
import re

import pytest

from serving import contract, contract_events, contract_guards, contract_hooks, contract_operate, contract_reads
from tests.serving.asking import WITHOUT_A_KEY, site, site_with_keys
from tests.serving.databases import a_database, database

__all__ = ["database", "site"]


@pytest.fixture
def document(site):
    return site.ask("GET", "/openapi.json").json


def operations(document):
    return [(path, method, each) for path, methods in document["paths"].items() for method, each in methods.items()]


def test_every_route_says_what_it_does_which_key_it_needs_and_how_it_refuses(document):
    schemes = set(document["components"]["securitySchemes"])
    for path, _, operation in operations(document):
        assert operation["description"], path
        expected = set() if path.startswith(WITHOUT_A_KEY) else {"bearer", "basic", "header"}
        assert {name for way in operation["security"] for name in way} == expected <= schemes
        assert {"4XX", "5XX"} <= set(operation["responses"]), path
        assert "422" not in operation["responses"]
        assert operation["responses"]["4XX"]["content"]["application/problem+json"]["schema"]["$ref"].endswith(
            "/Problem"
        )


@pytest.mark.parametrize("path", ["/track", "/v1/pixel/{method}", "/metrics"])
def test_answers_that_are_no_json_are_declared_as_what_they_are(site, document, path):
    replied = site.ask("GET", path.replace("{method}", "track"))

    declared = document["paths"][path]["get"]["responses"]["200"]["content"]
    assert set(declared) == {replied.headers["content-type"].partition(";")[0]}


def test_every_route_that_takes_a_body_declares_it_with_an_example(document):
    for path, method, operation in operations(document):
        if method in {"post", "put"}:
            taken = operation["requestBody"]["content"]
            if path.startswith("/u/"):
                assert set(taken) == {"application/x-www-form-urlencoded", "multipart/form-data"}
                continue
            reference = taken["application/json"]["schema"]["$ref"]
            declared = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
            assert declared["examples"], path


def test_what_is_shown_to_be_sent_is_taken(site, document):
    asked = [
        (path, operation)
        for path, method, operation in operations(document)
        if method == "post" and set(operation["tags"]) <= {"events", "score"}
    ]
    for path, operation in asked:
        body = operation["requestBody"]["content"]["application/json"]
        declared = document["components"]["schemas"][body["schema"]["$ref"].rsplit("/", 1)[1]]
        for example in [body["example"]] if "example" in body else declared["examples"]:
            replied = site.ask("POST", path, example)
            assert replied.status == 200, (path, replied.body)
            assert "rejected" not in replied.json, path

    assert {"/v1/alias", "/v1/batch", "/v1/score", "/v1/score/batch"} <= {path for path, _ in asked}


def test_every_operation_has_a_name_of_its_own(document):
    names = [operation["operationId"] for *_, operation in operations(document)]

    assert len(set(names)) == len(names)


def test_no_reference_leads_nowhere(document):
    for reference in set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document))):
        assert reference in document["components"]["schemas"]


def test_the_document_and_its_page_need_no_key(tmp_path):
    with a_database(tmp_path) as database:
        site, _ = site_with_keys(database)

        assert site.ask("GET", "/openapi.json").status == 200
        assert site.ask("GET", "/docs").status == 200


@pytest.mark.parametrize(
    "module", [contract, contract_events, contract_guards, contract_hooks, contract_operate, contract_reads]
)
def test_every_declared_body_is_documented(module):
    for name, model in vars(module).items():
        # pydantic puts what a generic model is made of beside it.
        ours = isinstance(model, type) and issubclass(model, contract.BaseModel) and "[" not in name
        if ours and model.__module__ == module.__name__:
            assert model.__doc__, name
