"""The plaintext of a whole capture as a capture of its own: TCP with the original addresses, ports, times and order.

Events are held until nothing of an earlier frame can come; then `PlaintextConnection` makes packets of them, so that
the acknowledgements say what came before them in the file.  A connection is in it from its first readable byte on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tlswire.analysis.order import FrameOrder
from tlswire.analysis.plaintext import TELLING, what_is_lost
from tlswire.capture import CaptureReader, Provenance, TLSStream
from tlswire.capture.plaintext_packets import PCAP_HEADER, PlaintextConnection
from tlswire.errors import CaptureError
from tlswire.session import ApplicationData, EndOfStream, Event, Undecryptable

_MOST_HELD = 16 << 20  # bytes; a connection that waits for long shall not fill the memory
_EVENT_SIZE = 300  # bytes that an event takes besides its data

_WANTED = TELLING | {EndOfStream}

Batch = list[tuple[TLSStream, list[Event] | None]]


class PlaintextCapture:
    """A pcap file of what the connections of a capture said under TLS.

    Parameters: `reader`, of which nothing was read yet.

    `connections` counts those that are in the file, `size` the bytes of plaintext, `left_out` the sequence numbers that
    are left out for what these connections lack; `encrypted` says whether a record stayed encrypted.
    """

    def __init__(self, reader: CaptureReader) -> None:
        self._reader = reader
        self.connections = 0
        self.size = 0
        self.left_out = 0
        self.encrypted = False

    def pieces(self, batches: Iterable[Batch] | None = None) -> Iterator[bytes]:
        """The bytes of the file, as they can be told.

        Parameters: `batches`, those of the reader, where someone looks at them on the way.

        Raises CaptureError where the captures cannot be read to their end: after all that came before that, and before
        the first byte where no stream was found until then.
        """
        reader = self._reader
        connections: dict[TLSStream, PlaintextConnection] = {}
        held: FrameOrder[tuple[PlaintextConnection, Event]] = FrameOrder(_MOST_HELD)
        header = PCAP_HEADER
        damage: CaptureError | None = None
        try:
            for batch in reader.batches() if batches is None else batches:
                for stream, events in batch:
                    if events is None:
                        connections.pop(stream, None)
                        continue
                    for event in events:
                        if type(event) in _WANTED:
                            connection = connections.get(stream)
                            if connection is None:
                                connection = connections[stream] = self._begin(stream)
                            weight = _EVENT_SIZE + (len(event.data) if isinstance(event, ApplicationData) else 0)
                            held.put(reader.place(event.at), (connection, event), weight)
                packets = b"".join([self._packets(*item) for item in held.ready(reader.settled_before())])
                if header or packets:
                    yield header + packets
                    header = b""
        except CaptureError as error:
            if header:
                raise
            damage = error
        yield header + b"".join([self._packets(*item) for item in held.ready(None)])
        if damage is not None:
            raise damage

    @staticmethod
    def _begin(stream: TLSStream) -> PlaintextConnection:
        opener = stream.opener if stream.opener is not None else stream.connection.client_side
        return PlaintextConnection(stream.flow, opener or 0, stream.number)

    def _packets(self, connection: PlaintextConnection, event: Event) -> bytes:
        """The packets that an event becomes."""
        at = event.at
        assert isinstance(at, Provenance)
        left_out = connection.left_out
        packets = b""
        if isinstance(event, ApplicationData):
            if event.data:
                self.connections += not connection.is_open
                self.size += len(event.data)
                packets = connection.data(event.side, event.data, at)
        elif isinstance(event, EndOfStream):
            packets = connection.end(event.side, at)
        else:
            self.encrypted = self.encrypted or isinstance(event, Undecryptable)
            lost = what_is_lost(event)
            if lost is not None:
                connection.missing(event.side, lost[2])
        self.left_out += connection.left_out - left_out
        return packets
