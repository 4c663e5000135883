"""Where NATS servers are, as an operator writes it down. No password is quoted, not even a misplaced one."""

from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

_SCHEMES = {"nats", "tls"}


class Unreadable(ValueError):
    """It is no list of servers."""

    def __init__(self) -> None:
        super().__init__(
            "GLOTTIS_NATS_URL is to be nats://HOST:PORT, or tls:// for an encrypted connection, with"
            " USER:PASSWORD@ before HOST where the server asks for them, and commas between several"
        )


def servers_of(url: SecretStr) -> list[str]:
    """Read a list of servers.

    Raises:
        Unreadable: it is none.
    """
    return [parts.geturl() for parts in _read(url)]


def shown(url: SecretStr) -> str:
    """Name the servers without the credentials in it. Raises `Unreadable`."""
    return ", ".join(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" for parts in _read(url))


def _read(url: SecretStr) -> list[SplitResult]:
    return [_part(part.strip()) for part in url.get_secret_value().split(",")]


def _part(text: str) -> SplitResult:
    try:
        parts = urlsplit(text if "://" in text else f"nats://{text}")
        is_whole = parts.hostname is not None and parts.port != 0
    except ValueError:  # its words would quote what stands where the port should be
        raise Unreadable from None
    if not is_whole or parts.scheme not in _SCHEMES or parts.path.strip("/") or parts.query or parts.fragment:
        raise Unreadable
    return parts
