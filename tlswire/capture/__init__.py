"""From capture files and key files to byte streams and keys: the only part that reads files."""

from tlswire.capture.files import Capture, open_capture
from tlswire.capture.frames import Frame, Interface, Provenance, RawFrame, format_time
from tlswire.capture.limits import CaptureLimits
from tlswire.capture.tcp import Consumer, TCPConnection, TCPReassembler

__all__ = [
    "Capture",
    "CaptureLimits",
    "Consumer",
    "Frame",
    "Interface",
    "Provenance",
    "RawFrame",
    "TCPConnection",
    "TCPReassembler",
    "format_time",
    "open_capture",
]
