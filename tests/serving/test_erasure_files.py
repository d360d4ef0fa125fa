"""Files below the home that speak of somebody."""

import json

from serving.erasure_files import Files
from serving.mentions import Mentions


def test_whoever_is_erased_is_taken_out_of_what_was_written_instead_of_sent(tmp_path):
    file = tmp_path / "sent" / "messages.jsonl"
    file.parent.mkdir()
    lines = [json.dumps({"message_id": f"msg_{n}", "user_id": f"u-{n}", "to": f"u{n}@example.com"}) for n in (1, 2, 10)]
    file.write_text("".join(f"{line}\n" for line in lines))
    file.chmod(0o600)

    changed = Files(tmp_path, []).forget(Mentions(["u-1", "u1@example.com"]), ["u-1"])

    assert changed == ["sent/messages.jsonl"]
    assert [json.loads(line)["user_id"] for line in file.read_text().splitlines()] == ["u-2", "u-10"]
    assert file.stat().st_mode & 0o077 == 0
