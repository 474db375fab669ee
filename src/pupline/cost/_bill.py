"""A bill: quantities at the prices of the one table, in total, by service, and apart from both what surrounds a design.

Tracing and events are in every design that this stack deploys, and can be turned off: they would hide the differences
between the designs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from pupline.cost._prices import service_of, to_cents, usd_of

AROUND = frozenset({"xray_trace", "s3_event"})
"""Prices of tracing and events."""


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill. price: a key of PRICES_USD. quantity: in its unit."""

    price: str
    quantity: Decimal

    @property
    def usd(self) -> Decimal:
        """Not rounded."""
        return usd_of(self.price, self.quantity)

    @property
    def service(self) -> str:
        """The service that bills it."""
        return service_of(self.price)


def lines_of(lines: Iterable[BillLine]) -> tuple[BillLine, ...]:
    """One line for each price that is used."""
    quantities: dict[str, Decimal] = {}
    for line in lines:
        quantities[line.price] = quantities.get(line.price, Decimal(0)) + line.quantity
    return tuple(BillLine(price, count) for price, count in quantities.items() if count)


def sum_of(lines: Iterable[BillLine]) -> Decimal:
    """What lines come to. Not rounded."""
    return sum((line.usd for line in lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Bill:
    """What one design costs. name: for a column. note: what it gives up, or what it counts.

    items: what the images need. around: tracing and events, not in the total.
    """

    design: str
    name: str
    title: str
    note: str
    items: tuple[BillLine, ...]
    around: tuple[BillLine, ...] = ()

    @classmethod
    def of(cls, words: tuple[str, str, str, str], *lines: BillLine) -> "Bill":
        """A bill with one line for each price that is used. words: design, name, title, note."""
        every = lines_of(lines)
        items = tuple(line for line in every if line.price not in AROUND)
        return cls(*words, items, tuple(line for line in every if line.price in AROUND))

    @property
    def usd(self) -> Decimal:
        """The total, to the cent."""
        return to_cents(sum_of(self.items))

    @property
    def usd_with_around(self) -> Decimal:
        """The total with tracing and events, to the cent."""
        return to_cents(sum_of((*self.items, *self.around)))

    def by_service(self) -> dict[str, Decimal]:
        """Dollars of each service in the total, not rounded, in the order of the items."""
        found: dict[str, Decimal] = {}
        for line in self.items:
            found[line.service] = found.get(line.service, Decimal(0)) + line.usd
        return found


def percent_by_service(bill: Bill) -> dict[str, float]:
    """The share of each service in a bill's total, in percent; together 100."""
    total = sum_of(bill.items)
    return {service: round(float(usd / total * 100), 3) for service, usd in bill.by_service().items()}
