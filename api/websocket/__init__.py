"""The conversation over WebSocket."""

from glottis.api.websocket.endpoint import register_websocket

__all__ = ["register_websocket"]
