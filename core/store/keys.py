"""Random keys that all nodes share."""


class Keys:
    """Keys by name, made when first asked for."""

    async def get_or_create(self, name: str) -> bytes:
        """Return 32 random bytes, the same for every node and for good."""
        raise NotImplementedError
