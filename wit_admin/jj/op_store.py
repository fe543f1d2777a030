"""Operations and views on disk, and walks over the graph of operations.

Nothing here is found by listing: files that no head leads to are no part of history.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import DamagedJjError
from wit_admin.jj.files import read_file
from wit_admin.jj.graph import Node, find_ancestors
from wit_admin.jj.ids import ROOT_OPERATION_ID, ROOT_VIEW_ID, OperationId, ViewId
from wit_admin.jj.operations import ROOT_OPERATION, Operation, decode_operation
from wit_admin.jj.views import View, decode_view, root_view

MAX_OPERATION_BYTES = 16 * 1024**2
MAX_VIEW_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class OpStore:
    """Reads the operations and views of one repository."""

    folder: Path
    """jj's ``op_store``."""
    id_bytes: int = 20
    """Length of commit ids, needed for the root view only, which has no file."""

    def read_operation(self, operation_id: OperationId) -> Operation:
        """Return one operation; the root operation needs no file.

        Raises:
            MissingJjError: There is no such file.
            DamagedJjError: It is torn, malformed or too large.
            UnreadableJjError: The disk or its permissions forbid it.
        """
        if operation_id == ROOT_OPERATION_ID:
            return ROOT_OPERATION
        path = f"{self.folder}/operations/{operation_id}"
        return decode_operation(operation_id, read_file(path, most_bytes=MAX_OPERATION_BYTES))

    def read_node(self, operation_id: OperationId) -> Node:
        """Return what :mod:`wit_admin.jj.graph` needs of an operation; see above."""
        operation = self.read_operation(operation_id)
        return Node(operation.end.ms, operation.parents)

    def read_view(self, view_id: ViewId, *, with_git_refs: bool = True) -> View:
        """Return one view, see :func:`wit_admin.jj.views.decode_view`.

        A view holds every reference there is and can be megabytes: read those you need.

        Raises:
            MissingJjError: There is no such file.
            DamagedJjError: It is torn, malformed or too large.
            UnreadableJjError: The disk or its permissions forbid it.
        """
        if view_id == ROOT_VIEW_ID:
            return root_view(self.id_bytes)
        content = read_file(f"{self.folder}/views/{view_id}", most_bytes=MAX_VIEW_BYTES)
        return decode_view(view_id, content, with_git_refs=with_git_refs)

    def walk(
        self, heads: Iterable[OperationId], *, known: Container[OperationId] = ()
    ) -> Iterator[Operation]:
        """Yield the operations that lead to ``heads``, newest first, each once.

        Stops at ``known`` ones and before the root operation; costs one small file for each. No
        operation comes before one that led to it, and with true clocks none before a child.

        Raises:
            MissingJjError: One is not there.
            DamagedJjError: One is torn.
            UnreadableJjError: The disk or its permissions forbid it.
        """
        # Even where an attacker's ids form a circle, each is read once.
        seen: set[OperationId] = {ROOT_OPERATION_ID}
        waiting: list[tuple[int, OperationId, Operation]] = []

        def meet(operation_id: OperationId) -> None:
            if operation_id not in seen and operation_id not in known:
                seen.add(operation_id)
                operation = self.read_operation(operation_id)
                heapq.heappush(waiting, (-operation.end.ms, operation_id, operation))

        for head in heads:
            meet(head)
        while waiting:
            _, _, operation = heapq.heappop(waiting)
            yield operation
            for parent in operation.parents:
                meet(parent)

    def reduce_heads(self, heads: Iterable[OperationId]) -> tuple[OperationId, ...]:
        """Return those of ``heads`` that are no ancestors of others, sorted.

        More than one is real divergence. Walks back only until the heads' histories have met.

        Raises:
            MissingJjError: An operation on the way is not there.
            DamagedJjError: One is torn.
        """
        left = sorted(set(heads))
        if len(left) == 1:
            return tuple(left)
        ancestors = find_ancestors(left, self.read_node)
        current = tuple(head for head in left if head not in ancestors)
        if not current:
            raise DamagedJjError("The operation heads lead to each other in a circle.")
        return current
