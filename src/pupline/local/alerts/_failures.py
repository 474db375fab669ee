"""The failure of a delivery."""


class DeliveryFailed(Exception):
    """The alert was not delivered. permanent: another attempt would have the same result."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
