"""The harness itself, on pages made for it: what is broken must not pass."""

from pathlib import Path

import pytest

from tests.docs.page import read_blocks
from tests.docs.walk import BrokenPage, Walk

SERVER = """
```python background=9001
import http.server, json

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"path": self.path, "n": 1}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("127.0.0.1", 9001), Answer).serve_forever()
```

```python
import urllib.request
print(urllib.request.urlopen("http://localhost:9001/x").read().decode())
```
"""


@pytest.fixture
def walk(tmp_path):
    with Walk(tmp_path) as reader:

        def through(text):
            for block in read_blocks(Path("page.md"), text):
                reader.take(block)
            return reader

        yield through


def test_a_block_that_fails_breaks_the_page_and_says_where_and_why(walk):
    with pytest.raises(BrokenPage, match=r"page\.md:3: exit code 3\n.*bad luck"):
        walk("\n\n```bash\necho bad luck\nexit 3\n```\n")


def test_a_failure_in_the_middle_of_a_block_counts(walk):
    with pytest.raises(BrokenPage, match="exit code 1"):
        walk("```bash\nfalse\ntrue\n```\n")


def test_a_promised_failure_must_happen(walk):
    walk("```bash fails\nfalse\n```\n")
    with pytest.raises(BrokenPage, match="exit code 0"):
        walk("```bash fails\ntrue\n```\n")


def test_the_shell_remembers_variables_and_folders(walk):
    reader = walk(
        "```bash\nexport NAME='a b'\nmkdir deep && cd deep\n```\n```bash\necho \"$NAME $(basename $PWD)\"\n```\n"
    )

    assert reader.printed == "a b deep\n"


def test_a_python_block_sees_the_shells_variables_and_the_packages(walk):
    reader = walk("```bash\nexport NAME=x\n```\n```python\nimport os, features\nprint(os.environ['NAME'])\n```\n")

    assert reader.printed == "x\n"


def test_a_file_is_written_into_the_readers_folder_and_not_into_the_repository(walk, root):
    reader = walk("```yaml file=README.md\na: 1\n```\n```bash\ncat README.md\n```\n")

    assert reader.printed == "a: 1\n"
    assert (root / "README.md").read_text() != "a: 1\n"


def test_each_walk_has_an_empty_opportune_home(walk, tmp_path):
    reader = walk('```bash\ntest ! -e "$OPPORTUNE_HOME"\necho "$OPPORTUNE_HOME"\n```\n')

    assert reader.printed.strip() == str(tmp_path / "home")


def test_a_server_started_by_one_block_answers_the_next_on_a_free_port(walk):
    reader = walk(SERVER + '```json answer\n{"path": "/", "n": 7}\n```\n')

    assert "9001" not in {str(port) for port in reader.ports.values()}


def test_an_answer_with_other_fields_breaks_the_page(walk):
    with pytest.raises(BrokenPage, match=r"\$\.m: shown only"):
        walk(SERVER + '```json answer\n{"path": "/", "m": 7}\n```\n')


def test_a_server_that_does_not_come_up_breaks_the_page(walk):
    with pytest.raises(BrokenPage, match=r"did not come up(?s:.*)no such luck"):
        walk("```bash serve\necho no such luck; exit 1\n```\n")


def test_what_was_started_is_stopped_at_the_end(tmp_path):
    with Walk(tmp_path) as reader:
        for block in read_blocks(Path("page.md"), SERVER):
            reader.take(block)
    (_, process, _), *_ = reader.running

    assert process.poll() is not None


@pytest.mark.parametrize(
    ("language", "text"), [("json", "{'a': 1}"), ("yaml", "a: ["), ("toml", "a = "), ("csv", "a,b\n1,2,3")]
)
def test_an_unreadable_file_breaks_the_page(walk, language, text):
    with pytest.raises(BrokenPage, match=f"this is no {language}"):
        walk(f"```{language}\n{text}\n```\n")


def test_a_rehearsed_command_must_exist_with_its_arguments(walk):
    walk("```bash dry\nmake import FILE=events.jsonl STRICT=1  # a year\nOPPORTUNE_HOME=elsewhere make demo\n```\n")
    with pytest.raises(BrokenPage, match="No rule to make target"):
        walk("```bash dry\nmake coffee\n```\n")


def test_only_make_can_be_rehearsed(walk):
    with pytest.raises(BrokenPage, match="only `make` can be rehearsed"):
        walk("```bash dry\nrm -rf /tmp/x\n```\n")
