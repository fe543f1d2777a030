"""Requests without an id of their own get one that no other has, in no process."""

from __future__ import annotations

import os
import uuid

from wit_admin.web.request_ids import RequestIds


def test_each_is_a_uuid_and_another_one_in_a_child_too() -> None:
    ids = RequestIds()
    reading, writing = os.pipe()
    mine = [ids.next() for _ in range(1000)]

    child = os.fork()
    if child == 0:
        os.write(writing, ids.next().encode())
        os._exit(0)
    os.waitpid(child, 0)
    its = os.read(reading, 100).decode()
    os.close(reading)
    os.close(writing)

    everything = [*mine, ids.next(), its]
    assert len(set(everything)) == 1002
    assert all(str(uuid.UUID(each)) == each for each in everything)
    assert its[:24] != mine[0][:24]
