"""Whether an image is still the one that its source listed, where the source declares hashes.

- `verified`: the bytes have all declared hashes. They may be quarantined for another reason.
- `changed`: the bytes have another hash. They are kept in quarantine, with the reason `hash_mismatch`.
- `gone`: the server says that nothing is there any more.

Anything else is not known, and another run may find out: the host was down, or robots.txt forbids the request.
"""

from typing import Literal, TypeAlias

from pupline.errors import Outcome, Reason
from pupline.tasks.items import SourceItem

Verification: TypeAlias = Literal["verified", "changed", "gone"]

_WITH_BYTES: frozenset[Outcome] = frozenset({"stored", "duplicate", "quarantined"})


def verification_of(item: SourceItem, outcome: Outcome, reason: Reason) -> Verification | None:
    """The result for an item that has ended; None where its source declares no hash, or nothing is known."""
    if not item.declares_hash:
        return None
    if reason == "hash_mismatch":
        return "changed"
    if outcome in _WITH_BYTES:
        return "verified"
    return "gone" if reason == "not_found" else None
