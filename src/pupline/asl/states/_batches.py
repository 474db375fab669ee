"""ItemBatcher: puts the items of a Distributed Map together in batches."""

from collections.abc import Iterator

from pupline.json_values import AnyJSON, dumps


def batches(
    items: Iterator[AnyJSON], common: dict[str, AnyJSON], *, max_items: int, max_bytes: int
) -> Iterator[tuple[AnyJSON, int]]:
    """(input, number of items) of each child execution; the input is {**common, "Items": [...]}.

    common: {"BatchInput": ...}, or {}. max_items, max_bytes: 0 for no limit. A single item over max_bytes is a batch
    of its own.
    """
    overhead = len(dumps({**common, "Items": []}).encode())
    batch: list[AnyJSON] = []
    size = overhead
    for item in items:
        cost = len(dumps(item).encode("utf-8", "surrogatepass")) + 1 if max_bytes else 0
        if batch and ((max_items and len(batch) >= max_items) or (max_bytes and size + cost > max_bytes)):
            yield {**common, "Items": batch}, len(batch)
            batch, size = [], overhead
        batch.append(item)
        size += cost
    if batch:
        yield {**common, "Items": batch}, len(batch)
