"""What the API says and hears of leaving."""

from pydantic import Field

from server.erasure.service import Receipt
from server.fields import Incoming, Moment, Name, OfId, Outgoing


class EraseMe(Incoming):
    """That you mean it: your name as it is shown, typed once more."""

    name: Name


class HandOver(Incoming):
    """Who organizes an event from now on."""

    to: OfId


class ReceiptOut(Outgoing):
    """That somebody was erased: shown once. Nothing says any more whose it is."""

    number: str
    at: Moment
    erased: dict[str, int] = Field(description="how many rows of each kind were yours")
    stays: dict[str, int] = Field(description="what stays as numbers, without you")


def show(receipt: Receipt) -> ReceiptOut:
    """A receipt as the API shows it."""
    return ReceiptOut(number=receipt.number, at=receipt.at, erased=receipt.counts, stays=receipt.stays)
