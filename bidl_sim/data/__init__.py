"""Event recordings: reading, generating, and turning them into frames."""

from bidl_sim.data.camera import event_camera
from bidl_sim.data.config import DataConfig
from bidl_sim.data.frames import EVENT, Framing
from bidl_sim.data.recordings import Recordings

__all__ = ["EVENT", "DataConfig", "Framing", "Recordings", "event_camera"]
