"""Poses go from the wire straight to the pages: past the inbox and the database, which they would only fill."""

from __future__ import annotations

from patrol.center import flight_views
from patrol.center.air import Air
from patrol.center.feed import Feed
from patrol.center.understand import Reported, understand
from patrol.center.views import Names
from patrol.config import Config
from patrol.events import DronePose
from patrol.mqtt import Incoming


class Poses:
    """Belongs to the event loop of `air` and `feed`."""

    def __init__(self, config: Config, air: Air, feed: Feed) -> None:
        self._air, self._feed, self._names = air, feed, Names(config)
        self._district, self._drill = config.district.id, config.district.drill

    def take(self, incoming: Incoming) -> bool:
        """Show a pose; False when it is none that can be believed, which is then everybody's business."""
        item = understand(incoming, self._district, ())
        if not isinstance(item, Reported) or not isinstance(item.event.data, DronePose):
            return False
        event, pose = item.event, item.event.data
        seen = self._air.heard(pose, event.time, incoming.received_at, event.drill or self._drill)
        if seen is not None:
            self._feed.show_pose(flight_views.pose(seen, self._names).model_dump_json())
        return True
