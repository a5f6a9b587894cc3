"""From capture files and key files to byte streams and keys: the only part that reads files."""

from tlswire.capture.certificate_files import load_certificates
from tlswire.capture.files import Capture, CaptureSource, open_capture, open_captures
from tlswire.capture.frames import Frame, Interface, Provenance, RawFrame, format_time
from tlswire.capture.keys import KeyLog, load_key_log, load_server_keys, read_password
from tlswire.capture.limits import CaptureLimits
from tlswire.capture.not_read import NotRead
from tlswire.capture.reader import CaptureReader, TCPSegment, TLSStream
from tlswire.capture.recognise import Receiver, Recogniser
from tlswire.capture.tcp import Consumer, TCPAssembler, TCPConnection
from tlswire.capture.trace import Trace, TracedConnection, open_trace

__all__ = [
    "Capture",
    "CaptureLimits",
    "CaptureReader",
    "CaptureSource",
    "Consumer",
    "Frame",
    "Interface",
    "KeyLog",
    "NotRead",
    "Provenance",
    "RawFrame",
    "Receiver",
    "Recogniser",
    "TCPAssembler",
    "TCPConnection",
    "TCPSegment",
    "TLSStream",
    "Trace",
    "TracedConnection",
    "format_time",
    "load_certificates",
    "load_key_log",
    "load_server_keys",
    "open_capture",
    "open_captures",
    "open_trace",
    "read_password",
]
