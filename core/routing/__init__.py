"""From a request to the provider that answers it: chains, limits, breakers, failover."""

from glottis.core.routing.chains import ROUTE_OF, Routing
from glottis.core.routing.failover import Answered, first_answer
from glottis.core.routing.guard import Guard, time_left_s
from glottis.core.routing.peers import RoutedPeers

__all__ = ["ROUTE_OF", "Answered", "Guard", "RoutedPeers", "Routing", "first_answer", "time_left_s"]
