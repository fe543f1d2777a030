"""Operations and views on disk, and walks over the graph of operations.

Nothing here is found by listing: files that no head leads to are no part of history.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator, Mapping
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

        Stops at ``known`` ones and before the root operation; costs one small file for each. None
        comes before an operation that it led to, however wrong the clocks are: of operations that
        were concurrent all are read, back to where they meet, before the first is yielded. The
        order is that of jj's own log.

        Raises:
            MissingJjError: One is not there.
            DamagedJjError: One is torn.
            UnreadableJjError: The disk or its permissions forbid it.
        """
        # Even where an attacker's ids form a circle, each is read once.
        seen: set[OperationId] = {ROOT_OPERATION_ID}
        waiting: list[_Queued] = []

        def meet(operation_ids: Iterable[OperationId]) -> bool:
            """Read those that are new; tell whether a line of history ends before one of them."""
            has_end = False
            for operation_id in operation_ids:
                if operation_id == ROOT_OPERATION_ID or operation_id in known:
                    has_end = True
                elif operation_id not in seen:
                    seen.add(operation_id)
                    heapq.heappush(waiting, _queue(self.read_operation(operation_id)))
            return has_end

        starts = tuple(heads)
        has_end = meet(starts)
        while waiting:
            if len(waiting) == 1:
                operation = heapq.heappop(waiting)[-1]
                yield operation
                starts = operation.parents
                has_end = meet(starts)
                continue
            concurrent: dict[OperationId, Operation] = {}
            # The last one that waits led to all of these, unless a line of them ended elsewhere.
            while waiting and (len(waiting) > 1 or has_end):
                operation = heapq.heappop(waiting)[-1]
                concurrent[operation.id] = operation
                has_end |= meet(operation.parents)
            yield from _sort(concurrent, starts)
            starts, has_end = tuple(each for _, each, _ in waiting), False

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


_Queued = tuple[int, OperationId, Operation]
"""In a heap, the newest first."""


def _queue(operation: Operation) -> _Queued:
    return -operation.end.ms, operation.id, operation


def _sort(
    operations: Mapping[OperationId, Operation], starts: Iterable[OperationId]
) -> list[Operation]:
    """Return operations in the order of jj's log: children first, one line after the other."""
    ordered: list[Operation] = []
    waiting = [(start, False) for start in starts]
    seen: set[OperationId] = set()
    while waiting:
        operation_id, is_passed = waiting.pop()
        operation = operations.get(operation_id)
        if operation is None:
            continue
        if is_passed:
            ordered.append(operation)
        elif operation_id not in seen:
            seen.add(operation_id)
            waiting.append((operation_id, True))
            waiting += [(parent, False) for parent in operation.parents]
    ordered.reverse()
    return ordered
