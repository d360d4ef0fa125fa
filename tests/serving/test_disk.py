"""A file is flushed by the kernel, and the loop is told; what cannot be flushed is told, too."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest
from caio.linux_aio import Operation

from serving.disk import Disk, _error

SOON_S = 20


async def test_the_loop_is_told_once_what_was_written_is_on_the_disk(tmp_path):
    file = tmp_path / "log"
    told = asyncio.get_running_loop().create_future()
    with closing(Disk(file)) as disk, file.open("wb", buffering=0) as writing:
        for each in (b"one", b"two"):
            writing.write(each)
            told = asyncio.get_running_loop().create_future()
            disk.flush(told.set_result)
            assert await asyncio.wait_for(told, SOON_S) is None


async def test_what_linux_cannot_flush_is_an_error():
    with closing(Disk(Path("/dev/null"))) as disk, pytest.raises(OSError, match="Invalid argument"):
        disk.flush(print)


async def test_where_linux_refuses_to_flush_beside_the_loop_waits_for_the_disk(tmp_path, monkeypatch):
    class Refused:
        @staticmethod
        def fdsync(_descriptor):
            return Operation.fdsync(999_999)  # Nobody's.

    (tmp_path / "log").write_bytes(b"one")
    monkeypatch.setattr("caio.linux_aio.Operation", Refused)
    told = asyncio.get_running_loop().create_future()
    with closing(Disk(tmp_path / "log")) as disk:
        disk.flush(told.set_result)
        assert await asyncio.wait_for(told, SOON_S) is None


async def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with closing(Disk(tmp_path / "log")) as disk, pytest.raises(FileNotFoundError, match="log"):
        disk.flush(print)


async def test_nobody_is_told_by_a_disk_that_was_closed(tmp_path):
    file = tmp_path / "log"
    file.write_bytes(b"one")
    told = []
    disk = Disk(file)
    disk.flush(told.append)
    disk.close()
    await asyncio.sleep(0.05)
    assert told == []


def test_an_error_of_the_kernel_is_the_one_it_names():
    assert _error(0) is None
    # What Linux says of a disk that failed: -EIO, read as a number of 64 bits without a sign.
    assert (_error(2**64 - 5).errno, str(_error(2**64 - 5))) == (5, "[Errno 5] Input/output error")
