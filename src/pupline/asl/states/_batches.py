"""ItemBatcher: the items of a Distributed Map, put together in batches."""

from collections.abc import Iterator

from pupline.json_values import AnyJSON, dumps


def batches(
    items: Iterator[AnyJSON], *, max_items: int, max_bytes: int, batch_input: AnyJSON, has_input: bool
) -> Iterator[tuple[AnyJSON, int]]:
    """(input of one child execution, number of its items): {"BatchInput": ..., "Items": [...]}.

    max_items, max_bytes: 0 for no limit. A single item over max_bytes is a batch of its own.
    """
    head: dict[str, AnyJSON] = {"BatchInput": batch_input} if has_input else {}
    overhead = len(dumps({**head, "Items": []}).encode())
    batch: list[AnyJSON] = []
    size = overhead
    for item in items:
        cost = len(dumps(item).encode("utf-8", "surrogatepass")) + 1 if max_bytes else 0
        if batch and ((max_items and len(batch) >= max_items) or (max_bytes and size + cost > max_bytes)):
            yield {**head, "Items": batch}, len(batch)
            batch, size = [], overhead
        batch.append(item)
        size += cost
    if batch:
        yield {**head, "Items": batch}, len(batch)
