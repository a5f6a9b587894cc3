"""What the events of a connection mean: its story, its certificates, its plaintext, and what a key log says of it."""

from tlswire.analysis.certificates import CertificateAppearance, SentCertificate, certificates
from tlswire.analysis.explain import ConnectionSummary, SegmentRow, explain
from tlswire.analysis.key_log import key_log_entries
from tlswire.analysis.plaintext_capture import PlaintextCapture
from tlswire.analysis.story import Row, Storyteller

__all__ = [
    "CertificateAppearance",
    "ConnectionSummary",
    "PlaintextCapture",
    "Row",
    "SegmentRow",
    "SentCertificate",
    "Storyteller",
    "certificates",
    "explain",
    "key_log_entries",
]
