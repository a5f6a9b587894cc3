"""From capture files and key files to byte streams and keys: the only part that reads files."""

from tlswire.capture.files import Capture, CaptureSource, open_capture, open_captures
from tlswire.capture.frames import Frame, Interface, Provenance, RawFrame, format_time
from tlswire.capture.limits import CaptureLimits
from tlswire.capture.reader import CaptureReader, TLSStream
from tlswire.capture.recognise import Receiver, Recogniser
from tlswire.capture.tcp import Consumer, TCPConnection, TCPAssembler

__all__ = [
    "Capture",
    "CaptureLimits",
    "CaptureReader",
    "CaptureSource",
    "Consumer",
    "Frame",
    "Interface",
    "Provenance",
    "RawFrame",
    "Receiver",
    "Recogniser",
    "TCPConnection",
    "TLSStream",
    "TCPAssembler",
    "format_time",
    "open_capture",
    "open_captures",
]
