"""The way between the nodes of a deployment and its workers: messages, and queues of work, over NATS."""

from glottis.core.broker.broker import Broker, Message, open_broker
from glottis.core.broker.connection import BrokerUnavailable
from glottis.core.broker.queues import Delivery, Lane, WorkQueue

__all__ = ["Broker", "BrokerUnavailable", "Delivery", "Lane", "Message", "WorkQueue", "open_broker"]
